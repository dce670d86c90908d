{#
    Text that should hold JSON, as JSON. Text that is no JSON, or JSON that would
    lose something on the way (a key twice, \u0000), stays whole as a JSON string.

    column  text expression; NULL stays NULL
#}
{% macro jsonb_or_string(column) -%}
    {{ adapter.dispatch('jsonb_or_string', 'traspaso')(column) }}
{%- endmacro %}

{% macro postgres__jsonb_or_string(column) -%}
    traspaso.jsonb_or_string({{ column }})
{%- endmacro %}

{# DuckDB's parser takes a comma too many, NaN and Infinity; JSON does not. #}
{% macro duckdb__jsonb_or_string(column) -%}
    case
        when
            json_valid({{ column }})
            and not regexp_matches(
                regexp_replace({{ column }}, '"(\\.|[^"\\])*"', '""', 'g'),
                ',\s*[\]}]|(?i:nan|inf)'
            )
            and len(coalesce(json_keys({{ column }}), []))
            = len(list_distinct(coalesce(json_keys({{ column }}), [])))
            then json({{ column }})
        when {{ column }} is not null then to_json({{ column }})
    end
{%- endmacro %}

{#
    A cast that fails ends the statement, and PostgreSQL before 16 cannot ask first
    (pg_input_is_valid, IS JSON), so there a subtransaction tries. So it does on any
    version where the text is nested deep: a stack that is too small is an error to
    those that ask, too.

    The cast is of the answer, not in a branch behind the question: a planner that
    knows the value (PostgreSQL 18 plans a function's statement with it) computes
    the cast of a branch that is never taken.

    Whoever reads a compat view calls them, with no right on the schema traspaso: what one
    of them calls is either found when it is made, or called with the owner's rights.
#}
{% macro _function_jsonb_or_string() %}
create or replace function traspaso.json_has_unique_keys(value json)
returns boolean language plpgsql immutable parallel safe as $body$
begin
    if json_typeof(value) = 'object' then
        return
            (select count(*) = count(distinct key) from json_each(value))
            and not exists (
                select from json_each(value) as member
                where not traspaso.json_has_unique_keys(member.value)
            );
    elsif json_typeof(value) = 'array' then
        return not exists (
            select from json_array_elements(value) as element
            where not traspaso.json_has_unique_keys(element.value)
        );
    end if;
    return true;
end
$body$;
create or replace function traspaso.jsonb_or_string_tried(value text)
returns jsonb language plpgsql immutable parallel unsafe
security definer set search_path = pg_catalog, pg_temp as $body$
declare
    parsed jsonb;
begin
    parsed := value::jsonb;
    if traspaso.json_has_unique_keys(value::json) then
        return parsed;
    end if;
    return to_jsonb(value);
exception
    -- 22P02 no JSON, 22P05 \u0000, 22003 a number too large, 54001 too deep
    when invalid_text_representation or untranslatable_character
        or numeric_value_out_of_range or statement_too_complex then
        return to_jsonb(value);
end
$body$;
create or replace function traspaso.jsonb_or_string(value text)
returns jsonb language sql stable return
{%- if server_major() >= 16 %} case
        when length(value) - length(translate(value, '[{', '')) > 500
            then traspaso.jsonb_or_string_tried(value)
        else coalesce(
            (
                case
                    when
                        pg_input_is_valid(value, 'jsonb')
                        and value is json with unique keys
                        then value
                end
            )::jsonb,
            to_jsonb(value)
        )
    end
{%- else %} traspaso.jsonb_or_string_tried(value)
{%- endif %};
{%- endmacro %}
