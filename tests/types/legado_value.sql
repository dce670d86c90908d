-- As text, by its path; NULL where nothing is kept there.
with cases as (

    select
        {{ as_json('written.given') }} as given,
        written.expected_user,
        written.expected_email
    from (
        values
        (
            '{"_legado":{"user_id":"u1","users":{"email":"a@b.example"}}}',
            'u1', 'a@b.example'
        ),
        ('{"_legado":{"user_id":false}}', 'false', null),
        ('{"_legado":{"user_id":1.5,"users":{"email":null}}}', '1.5', null),
        ('{"_legado":{"_propio":{"user_id":"own"}}}', null, null),
        ('{"user_id":"own","users":{"email":"own"}}', null, null),
        ('[{"_legado":{"user_id":"own"}}]', null, null),
        ('"text"', null, null),
        ('null', null, null),
        (null, null, null)
    ) as written (given, expected_user, expected_email)

),

actuals as (

    select
        *,
        {{ legado_value('given', 'user_id') }} as actual_user,
        {{ legado_value('given', 'users.email') }} as actual_email
    from cases

)

select * from actuals
where
    actual_user is distinct from expected_user
    or actual_email is distinct from expected_email
