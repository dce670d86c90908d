{#
    A telephone number as E.164 text ('+593991234567'), NULL where it is none:
    what the phonenumbers library makes of it, read from Ecuador. The domain and
    the narrowings are in phone_e164.yml, the plans in seeds/comun.

    column  text expression; it is written out several times
#}
{% macro phone_e164(column) -%}
    {{ adapter.dispatch('phone_e164', 'traspaso')(column) }}
{%- endmacro %}

{#
    The common shapes first, without a look at the plans: PostgreSQL runs the
    subqueries only for the rest. The column appears in no query that has a
    relation or an alias of its own, so that no name here can hide it.
#}
{% macro postgres__phone_e164(column) -%}
    case
        when {{ column }} is null then null
        {{ _phone_ecuador(column) }}
        else (
            select
                case
                    {{ _phone_ecuador('dialled.number') }}
                    else ({{ _phone_planned('dialled.number') }})
                end
            from ({{ _phone_dialled(column) }}) as dialled
        )
    end
{%- endmacro %}

{# DuckDB makes joins of the subqueries: there NULL keeps the common shapes out. #}
{% macro duckdb__phone_e164(column) -%}
    case
        when {{ column }} is null then null
        {{ _phone_ecuador(column) }}
        else (
            select
                case
                    {{ _phone_ecuador('dialled.number') }}
                    else ({{ _phone_planned(_phone_unless_ecuador('dialled.number')) }})
                end
            from ({{ _phone_dialled(_phone_unless_ecuador(column)) }}) as dialled
        )
    end
{%- endmacro %}

{#
    PostgreSQL writes a step out wherever its result is read, and computes it as
    often, unless it is fenced; DuckDB would number the rows at the fence.
#}
{% macro _phone_fence() -%}
    {{ adapter.dispatch('_phone_fence', 'traspaso')() }}
{%- endmacro %}

{% macro postgres___phone_fence() -%}offset 0{%- endmacro %}

{% macro duckdb___phone_fence() -%}{%- endmacro %}

{#
    Mobile and fixed numbers of Ecuador, known by their shape alone: after 593
    with or without a plus, after the 0 of a call within the country, or bare.
#}
{% macro _phone_ecuador(number) -%}
    when {{ number }} ~ '^([+]?593|0)?9[0-9]{8}$'
        then '+593' || right({{ number }}, 9)
    when {{ number }} ~ '^([+]?593|0)?[2-7][0-9]{7}$'
        then '+593' || right({{ number }}, 8)
{%- endmacro %}

{% macro _phone_unless_ecuador(number) -%}
    case
        when not {{ number }} ~ '^([+]?593|0)?(9[0-9]|[2-7])[0-9]{7}$'
            then {{ number }}
    end
{%- endmacro %}

{#
    What was dialled, digits alone, after a '+' if it began with one; NULL where
    the text is no telephone number. Punctuation counts for nothing, other blanks
    only around the number. A tilde and up to nine digits at the end are an
    extension to the library, if what is before them could be a number.
#}
{% macro _phone_dialled(column) -%}
{%- set like_ascii = '\uff0b\uff5e\uff0e\u00a0' -%}
{%- set punctuation = (
    '\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d\uff0f\u00ad\u200b\u2060'
    ~ '\u3000\uff08\uff09\uff3b\uff3d\u2053\u223c'
) -%}
{#- a letter to the library: punctuation, except at the end -#}
{%- set long_vowel = '\u30fc' -%}
{%- set blanks = (
    '\u0085\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009'
    ~ '\u200a\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e'
    ~ '\u202f\u205f\u2066\u2067\u2068\u2069\ufeff'
) -%}
{%- set tab = "' || chr(9) || '" -%}
{%- set extension = '[ ' ~ tab ~ ']*~[.]?[ ' ~ tab ~ '-]*[0-9]{1,9}$' -%}
    select
        case
            when main.digits ~ '^[0-9][0-9][0-9]+$'
                then
                    case when main.body like '+%' then '+' else '' end
                    || main.digits
        end as number
    from (
        select
            cut.body,
            translate(ltrim(cut.body, '+'), ' -./()[]~{{ long_vowel }}', '') as digits
        from (
            select
                case
                    when
                        bare.body like '%~%'
                        and bare.body
                        ~ ('^([0-9]{2}|[+]*([] ./()[~{{ long_vowel }}-]*[0-9]){3}'
                            || '[] ./()[~{{ long_vowel }}0-9-]*)'
                            || '{{ extension }}')
                        then regexp_replace(bare.body, '{{ extension }}', '')
                    else bare.body
                end as body
            from (
                select
                    rtrim(
                        ltrim(ascii.body, ' -./()[]~{{ long_vowel }}' || chr(9) || chr(10)),
                        ' -./()[]~+' || chr(9) || chr(10)
                    ) as body
                from (
                    select
                        case
                            when length(given.body) > 250 then null
                            when given.body ~ '^[ -~]*$' then given.body
                            else
                                translate(
                                    given.body,
                                    '{{ like_ascii ~ punctuation ~ blanks }}'
                                    || chr(11) || chr(12) || chr(13),
                                    '+~. {{ '/' * (punctuation | length) }}'
                                    || repeat(chr(10), {{ (blanks | length) + 3 }})
                                )
                        end as body
                    from (select {{ column }}) as given (body)
                    {{ _phone_fence() }}
                ) as ascii
                {{ _phone_fence() }}
            ) as bare
            {{ _phone_fence() }}
        ) as cut
        {{ _phone_fence() }}
    ) as main
    {{ _phone_fence() }}
{%- endmacro %}

{#
    The number by the plan of its country, as the library reads it: a trunk
    prefix goes, unless that makes a good number a bad one, or too short a one.
    Then the length decides.
#}
{% macro _phone_planned(number) -%}
    select
        case
            when parts.lengths like '% ' || length(parts.stripped) || ' %'
                then '+' || parts.code || parts.stripped
            when parts.lengths like '% ' || length(parts.whole) || ' %'
                then '+' || parts.code || parts.whole
        end
    from (
        select
            cut.code,
            cut.whole,
            cut.lengths,
            case
                when
                    cut.stripped <> cut.whole
                    and cut.whole ~ cut.pattern
                    and not cut.stripped ~ cut.pattern
                    then cut.whole
                else cut.stripped
            end as stripped
        from (
            select
                own.*,
                case
                    when own.prefix is null then own.whole
                    -- the rule holds where its group, at its end, took part
                    when
                        own.rule is null
                        or regexp_replace(
                            own.whole, own.prefix || '.*$', right(own.rule, 2)
                        ) = ''
                        then regexp_replace(own.whole, own.prefix, '')
                    else regexp_replace(own.whole, own.prefix, own.rule)
                end as stripped
            from (
                select
                    plan.codigo_pais as code,
                    plan.prefijo_nacional as prefix,
                    plan.regla_prefijo as rule,
                    plan.numero_nacional as pattern,
                    ' ' || plan.longitudes || ' ' as lengths,
                    substr(world.digits, length(plan.codigo_pais) + 1) as whole
                from ({{ _phone_world(number) }}) as world
                -- an equality, so that both engines look the code up in a hash
                cross join (values (1), (2), (3)) as code (size)
                inner join {{ ref('planes_numeracion') }} as plan
                    on
                        plan.codigo_pais = left(world.digits, code.size)
                        and length(world.digits) > code.size
            ) as own
            {{ _phone_fence() }}
        ) as cut
        {{ _phone_fence() }}
    ) as parts
{%- endmacro %}

{#
    The same number dialled from abroad, calling code first. The library takes a
    593 without a plus for the calling code where the number would be too long
    otherwise, and then takes a trunk 0 off twice (_phone_ecuador has already had
    the shorter numbers that it reads so).
#}
{% macro _phone_world(number) -%}
    select
        case
            when {{ number }} ~ '^[+]?00[1-9][0-9]*$' then ltrim({{ number }}, '+0')
            when {{ number }} ~ '^[+][1-9][0-9]*$' then substr({{ number }}, 2)
            when {{ number }} like '+%' then null
            when {{ number }} like '593%' and length({{ number }}) > 11
                then '593' || regexp_replace(substr({{ number }}, 4), '^0', '')
            else '593' || {{ number }}
        end as digits
    {{ _phone_fence() }}
{%- endmacro %}
