use super::*;

const HASH: &str = "$2a$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
const NIL: &str = "00000000-0000-0000-0000-000000000000";

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in pairs {
        fields.insert(*name, Value::Text((*value).to_owned()));
    }
    fields
}

fn map(given: &[&str]) -> RoleMap {
    let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
    RoleMap::read(&given).unwrap()
}

fn account(pairs: &[(&str, &str)], roles: &[&str]) -> (AccountElsewhere, Option<&'static str>) {
    match read(fields(pairs), &map(roles)) {
        Ok(Read::Account { account, note }) => (account, note),
        other => panic!("{other:?}"),
    }
}

fn refused(pairs: &[(&str, &str)], roles: &[&str]) -> String {
    let problem = read(fields(pairs), &map(roles)).unwrap_err();
    assert!(!problem.contains(HASH), "{problem}");
    problem
}

fn names(account: &AccountElsewhere) -> Vec<&str> {
    account.roles.iter().map(RoleName::as_str).collect()
}

#[test]
fn a_row_of_supabase_becomes_an_account() {
    let row = [
        ("instance_id", NIL),
        ("id", "1f7c1d8a-6c1e-4a8e-9d0a-3f2f6b6f9a01"),
        ("aud", "authenticated"),
        ("role", "authenticated"),
        ("email", "Ada@Example.com"),
        ("encrypted_password", HASH),
        ("email_confirmed_at", "2024-01-02 03:04:05.678+00"),
        (
            "raw_app_meta_data",
            r#"{"provider": "email", "roles": ["editor"]}"#,
        ),
        (
            "raw_user_meta_data",
            r#"{"full_name": " Ada Lovelace ", "role": "admin"}"#,
        ),
        ("created_at", "2024-01-02 03:04:00+00"),
        ("is_sso_user", "f"),
    ];
    let (ada, note) = account(&row, &["editor=agents-editor"]);
    assert_eq!(ada.id.unwrap().to_string(), row[1].1);
    assert_eq!(ada.email.original(), "Ada@Example.com");
    assert_eq!(ada.name.as_ref().unwrap().as_str(), "Ada Lovelace");
    assert_eq!(names(&ada), ["agents-editor"]);
    assert_eq!(
        (ada.email_verified, ada.status),
        (true, AccountStatus::Active)
    );
    assert_eq!(ada.created_at.unwrap().as_secs(), 1_704_164_640);
    assert!(!ada.password.is_none() && note.is_none());
}

#[test]
fn what_supabase_knows_of_an_account_counts() {
    let with = |more: &[(&'static str, &'static str)]| {
        let row = [("email", "ada@example.com"), ("aud", "authenticated")];
        let row = [&row[..], more].concat();
        account(&row, &[])
    };
    let (plain, _) = with(&[]);
    assert!(plain.password.is_none() && !plain.email_verified);
    assert_eq!(plain.status, AccountStatus::Active);
    for until in ["infinity", "2999-01-01 00:00:00+00"] {
        let (banned, _) = with(&[("banned_until", until)]);
        assert_eq!(banned.status, AccountStatus::Suspended, "{until}");
    }
    let (free, _) = with(&[("banned_until", "2001-01-01 00:00:00+00")]);
    assert_eq!(free.status, AccountStatus::Active);
    let (nameless, note) = with(&[("raw_user_meta_data", r#"{"name": "Ada\r\nBcc: x"}"#)]);
    assert!(nameless.name.is_none() && note.unwrap().contains("name"));
    let row = [("aud", "x"), ("deleted_at", "2024-01-01 00:00:00+00")];
    assert!(matches!(read(fields(&row), &map(&[])), Ok(Read::Deleted)));
}

#[test]
fn only_a_time_verifies_or_deletes() {
    let json = Value::Json;
    let text = |value: &str| Value::Text(value.to_owned());
    for name in ["email_confirmed_at", "deleted_at"] {
        for wrong in [
            text("NULL"),
            text("false"),
            text("infinity"),
            text("2024"),
            json(Json::Bool(false)),
            json(Json::from(0)),
        ] {
            let mut row = fields(&[("email", "ada@example.com"), (HASH_OF_SUPABASE, HASH)]);
            row.insert(name, wrong.clone());
            let problem = read(row, &map(&[])).unwrap_err();
            let expected = format!("{name} is no time");
            assert!(problem.starts_with(&expected), "{wrong:?}: {problem}");
        }
    }
}

#[test]
fn a_row_of_supabase_is_known_by_names_whose_values_are_empty() {
    let row = [
        ("email", "ada@example.com"),
        (HASH_OF_SUPABASE, ""),
        ("email_confirmed_at", ""),
        ("phone", "+15550100"),
    ];
    let (ada, _) = account(&row, &[]);
    assert!(ada.password.is_none() && !ada.email_verified);
    let deleted = [&row[..], &[("deleted_at", "2024-01-01 00:00:00+00")]].concat();
    assert!(matches!(
        read(fields(&deleted), &map(&[])),
        Ok(Read::Deleted)
    ));
}

#[test]
fn roles_are_mapped_and_admin_must_be_said() {
    let with = |roles: &'static str| [("email", "ada@example.com"), ("roles", roles)];
    let (ada, _) = account(&with("editor user reader"), &["reader=", "editor=writer"]);
    assert_eq!(names(&ada), ["writer"]);
    assert!(refused(&with("admin"), &[]).contains("--role-map admin=admin"));
    assert_eq!(
        names(&account(&with("admin"), &["admin=admin"]).0),
        ["admin"]
    );
    assert_eq!(names(&account(&with("admin"), &["admin="]).0), [""; 0]);
    assert!(refused(&with("Ünknown"), &[]).contains("--role-map"));
    for wrong in ["editor", "=", "a=b c"] {
        let read = RoleMap::read(&[wrong.to_owned()]);
        assert_eq!(read.is_err(), wrong != "=", "{wrong}");
    }
    RoleMap::read(&["a=b".to_owned(), "a=c".to_owned()]).unwrap_err();
}

#[test]
fn what_can_not_be_taken_says_why_and_quotes_no_hash() {
    let long = "x".repeat(101);
    for (more, reason) in [
        (("password_hash", "x$2a$04$"), "hash is no hash"),
        (
            (
                "password_hash",
                "$2a$31$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
            ),
            "asks for more work",
        ),
        (("name", "Ada\r\nBcc: eve@example.com"), "name must be"),
        (("name", "a\0b"), "name must be"),
        (("name", long.as_str()), "name must be"),
        (("status", "banned"), "status is neither"),
        (("email_verified", "yes"), "email_verified is neither"),
        (("created_at", "yesterday"), "created_at is no time"),
        (("created_at", "2999-01-01T00:00:00Z"), "in the past"),
        (("created_at", "1960-01-01T00:00:00Z"), "in the past"),
        (("id", "17"), "id is no UUID"),
        (("id", NIL), "names nobody"),
        (("password", "secret"), "passwords are taken as hashes only"),
        (("nickname", "ada"), "which nobody knows"),
    ] {
        let problem = refused(&[("email", "ada@example.com"), more], &[]);
        assert!(problem.contains(reason), "{more:?}: {problem}");
    }
    assert_eq!(refused(&[("name", "Ada")], &[]), "has no email");
    assert!(refused(&[("email", "ada@localhost")], &[]).contains("no valid domain"));
}
