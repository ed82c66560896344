//! Conversations with a server that says what the test wants it to say.

use std::sync::{Arc, Mutex};

use signet_core::mail::MailKind;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What the server says, and what it heard.
#[derive(Clone)]
struct Script {
    greeting: &'static str,
    extensions: &'static str,
    on_starttls: &'static str,
    on_sender: &'static str,
    on_recipient: &'static str,
    on_message: Option<&'static str>,
    on_auth: &'static str,
    on_quit: Option<&'static str>,
    heard: Arc<Mutex<String>>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            greeting: "220 ready",
            extensions: "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            on_starttls: "454 not now",
            on_sender: "250 ok",
            on_recipient: "250 ok",
            on_message: Some("250 taken"),
            on_auth: "235 welcome",
            on_quit: Some("221 bye"),
            heard: Arc::default(),
        }
    }
}

impl Script {
    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = self.converse(stream).await;
        }
    }

    async fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut in_message = false;
        let mut next = Some(self.greeting);
        loop {
            if let Some(answer) = next.take() {
                stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            }
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            self.heard.lock().unwrap().push_str(&line);
            let command = line.split_whitespace().next().unwrap_or_default();
            next = match command {
                "." => {
                    in_message = false;
                    let Some(answer) = self.on_message else {
                        return std::future::pending().await;
                    };
                    Some(answer)
                }
                _ if in_message => None,
                "EHLO" => Some(self.extensions),
                "AUTH" => Some(self.on_auth),
                "STARTTLS" => Some(self.on_starttls),
                "MAIL" => Some(self.on_sender),
                "RCPT" => Some(self.on_recipient),
                "DATA" => {
                    in_message = true;
                    Some("354 go on")
                }
                "QUIT" => {
                    let Some(answer) = self.on_quit else {
                        return std::future::pending().await;
                    };
                    return stream.write_all(format!("{answer}\r\n").as_bytes()).await;
                }
                _ => Some("250 ok"),
            };
        }
    }
}

/// A transport to a server that runs until it is aborted.
async fn transport(
    script: Script,
    security: Security,
    signed_in: bool,
) -> (Smtp, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(script.serve(listener));
    let credentials = signed_in.then(|| Credentials::new("me".to_owned(), "secret".to_owned()));
    let address = Server {
        host: "127.0.0.1".to_owned(),
        port,
        security,
        credentials,
    };
    let from = "Signet <signet@example.com>".parse().unwrap();
    let hello = ClientId::Domain("auth.example.com".to_owned());
    let mut smtp = Smtp::new(address, from, hello).unwrap();
    smtp.patience = Duration::from_millis(1_500);
    (smtp, server)
}

async fn deliver(script: Script, security: Security, signed_in: bool) -> Result<(), DeliveryError> {
    let (smtp, server) = transport(script, security, signed_in).await;
    let message = Message {
        to: "ada@example.com".to_owned(),
        kind: MailKind::Verify,
        subject: "Hello".to_owned(),
        text: "Hello\n\n.\n\nthe end\n".to_owned(),
        html: "<p>Hello</p>".to_owned(),
        link: None,
        token: Some("q8Vw3nJ0sYl5TzK1bXc7RdEf2GhU4iOm6Pa9-_NtQyk".to_owned()),
    };
    let delivered = smtp
        .deliver(Uuid::nil(), UnixTime::from_secs(0), &message)
        .await;
    server.abort();
    delivered
}

fn transient(delivered: Result<(), DeliveryError>) -> String {
    match delivered {
        Err(DeliveryError::Transient(reason)) => reason,
        other => panic!("{other:?} instead of a transient error"),
    }
}

fn unavailable(delivered: Result<(), DeliveryError>) -> String {
    match delivered {
        Err(DeliveryError::Unavailable(reason)) => reason,
        other => panic!("{other:?} instead of a server that can't be used"),
    }
}

fn permanent(delivered: Result<(), DeliveryError>) -> String {
    match delivered {
        Err(DeliveryError::Permanent(reason)) => reason,
        other => panic!("{other:?} instead of a permanent error"),
    }
}

#[tokio::test]
async fn a_message_arrives_whole() {
    let script = Script::default();
    let heard = Arc::clone(&script.heard);
    assert_eq!(deliver(script, Security::Plain, true).await, Ok(()));
    let heard = heard.lock().unwrap();
    assert!(heard.contains("EHLO auth.example.com\r\n"), "{heard}");
    assert!(heard.contains("AUTH PLAIN"), "{heard}");
    assert!(heard.contains("MAIL FROM:<signet@example.com>"), "{heard}");
    assert!(heard.contains("RCPT TO:<ada@example.com>\r\n"), "{heard}");
    assert!(
        heard.contains("the end"),
        "a lone dot ended the message: {heard}"
    );
    assert!(heard.contains("QUIT"), "{heard}");
}

#[tokio::test]
async fn a_server_is_met_without_a_message() {
    let script = Script::default();
    let heard = Arc::clone(&script.heard);
    let (smtp, server) = transport(script, Security::Plain, true).await;
    smtp.greet().await.unwrap();
    server.abort();
    let heard = heard.lock().unwrap().clone();
    assert!(heard.contains("EHLO auth.example.com\r\n"), "{heard}");
    assert!(heard.contains("AUTH PLAIN"), "{heard}");
    assert!(
        !heard.contains("MAIL") && !heard.contains("DATA"),
        "{heard}"
    );
    let script = Script {
        on_auth: "535 5.7.8 wrong password",
        ..Script::default()
    };
    let (smtp, server) = transport(script, Security::Plain, true).await;
    let reason = smtp.greet().await.unwrap_err().to_string();
    assert!(
        reason.contains("535") && !reason.contains("secret"),
        "{reason}"
    );
    server.abort();
    let script = Script {
        greeting: "",
        extensions: "",
        ..Script::default()
    };
    let (smtp, server) = transport(script, Security::Plain, false).await;
    assert!(smtp.greet().await.is_err());
    server.abort();
}

#[tokio::test]
async fn later_means_later_and_never_means_never() {
    let on_recipient = "450 4.2.0 <ada@example.com> greylisted";
    let script = Script {
        on_recipient,
        ..Script::default()
    };
    let reason = transient(deliver(script, Security::Plain, false).await);
    assert!(
        reason.contains("450") && reason.contains("greylisted"),
        "{reason}"
    );
    assert!(!reason.contains("ada@"), "{reason}");
    let script = Script {
        on_recipient: "550 5.1.1 no such user",
        ..Script::default()
    };
    let reason = permanent(deliver(script, Security::Plain, false).await);
    assert!(
        reason.contains("550") && reason.contains("no such user"),
        "{reason}"
    );
    let script = Script {
        on_message: Some("554 5.7.1 spam"),
        ..Script::default()
    };
    permanent(deliver(script, Security::Plain, false).await);
}

#[tokio::test]
async fn a_server_that_refuses_us_does_not_cost_the_message() {
    let greeting = "554 no service for you";
    let on_auth = "535 5.7.8 wrong password";
    let on_sender = "550 5.7.60 not from this address";
    for script in [
        Script {
            greeting,
            ..Script::default()
        },
        Script {
            on_auth,
            ..Script::default()
        },
        Script {
            on_sender,
            ..Script::default()
        },
        Script {
            greeting: "what is this",
            ..Script::default()
        },
        Script {
            on_recipient: "530 5.7.0 who are you",
            ..Script::default()
        },
        Script {
            on_recipient: "503 say who you are first",
            ..Script::default()
        },
    ] {
        unavailable(deliver(script, Security::Plain, true).await);
    }
    // It may be told of every recipient, and may be set right.
    let script = Script {
        on_recipient: "554 5.7.1 relay access denied",
        ..Script::default()
    };
    transient(deliver(script, Security::Plain, false).await);
}

#[tokio::test]
async fn an_operator_is_told_to_do_what_helps() {
    let good = Script::default;
    for (script, advice) in [
        (
            Script {
                greeting: "554 5.7.1 not from there",
                ..good()
            },
            "refuses this machine",
        ),
        (
            Script {
                greeting: "421 4.3.2 too busy",
                ..good()
            },
            "goes on by itself",
        ),
        (
            Script {
                extensions: "502 5.5.1 what",
                ..good()
            },
            "scheme and port",
        ),
        (
            Script {
                on_message: Some("554 5.7.1 spam"),
                ..good()
            },
            "own words",
        ),
        (
            Script {
                on_message: None,
                ..good()
            },
            "neither yes nor no",
        ),
    ] {
        let is_unanswered = script.on_message.is_none();
        let (smtp, server) = transport(script, Security::Plain, false).await;
        let trial = Trial {
            id: Uuid::nil(),
            now: UnixTime::from_secs(0),
            to: "ada@example.com",
            subject: "Hello",
            text: "Hello\n",
            html: "<p>Hello</p>",
        };
        let fault = smtp.send(trial, &mut |_| {}).await.unwrap_err();
        server.abort();
        assert!(fault.hint().contains(advice), "{fault}: {}", fault.hint());
        assert_eq!(fault.may_be_taken(), is_unanswered, "{fault}");
    }
}

#[tokio::test]
async fn what_is_no_answer_to_a_message_is_not_taken_for_one() {
    for answer in ["354 go on", "", "220 ready", "250-still", "2x0 ok"] {
        let script = Script {
            on_message: Some(answer),
            ..Script::default()
        };
        let delivered = deliver(script, Security::Plain, false).await;
        // 220 is a yes, if an odd one.
        assert_eq!(delivered.is_ok(), answer == "220 ready", "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_what_it_was_told_does_not_spread_it() {
    let encoded = "535 not AG1lAHNlY3JldA== nor c2VjcmV0 nor secret";
    let script = Script {
        on_auth: encoded,
        ..Script::default()
    };
    let reason = unavailable(deliver(script, Security::Plain, true).await);
    assert!(
        reason.ends_with("535 not <password> nor <password> nor <password>"),
        "{reason}"
    );
    let script = Script {
        on_recipient: "550 5.1.1 \u{1b}[31m<ADA@example.com>\tis nobody",
        ..Script::default()
    };
    let reason = permanent(deliver(script, Security::Plain, false).await);
    assert!(reason.ends_with("[31m<<recipient>> is nobody"), "{reason}");
}

#[tokio::test]
async fn a_server_that_quotes_the_message_does_not_spread_its_token() {
    for quoted in [
        "554 5.7.1 #token=q8Vw3nJ0sYl5TzK1bXc7RdEf2GhU4iOm6Pa9-_NtQyk is on a list",
        // As the line was broken on its way.
        "554-5.7.1 #token=3Dq8Vw3nJ0sYl5TzK1bXc7=\r\n554 RdEf2GhU4iOm6Pa9-_NtQyk is on a list",
    ] {
        let script = Script {
            on_message: Some(quoted),
            ..Script::default()
        };
        let reason = permanent(deliver(script, Security::Plain, false).await);
        assert!(reason.ends_with("<token> is on a list"), "{reason}");
        for piece in ["q8Vw", "bXc7", "RdEf", "NtQyk"] {
            assert!(!reason.contains(piece), "{piece}: {reason}");
        }
    }
}

#[tokio::test]
async fn what_comes_in_the_clear_does_not_pass_for_what_came_by_tls() {
    // What somebody on the way would add, so that it is read as the answers to what follows.
    let script = Script {
        extensions: "250-test\r\n250 STARTTLS",
        on_starttls: "220 go\r\n250-test\r\n250 AUTH PLAIN\r\n235 in\r\n250 a\r\n250 b\r\n354 c\r\n250 d",
        ..Script::default()
    };
    let heard = Arc::clone(&script.heard);
    let reason = unavailable(deliver(script, Security::StartTls, true).await);
    assert!(reason.contains("went on in the clear"), "{reason}");
    let said = heard.lock().unwrap().clone();
    assert_eq!(said, "EHLO auth.example.com\r\nSTARTTLS\r\n");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left() {
    let script = Script {
        on_message: None,
        ..Script::default()
    };
    let reason = transient(deliver(script, Security::Plain, false).await);
    assert!(reason.contains("took longer"), "{reason}");
}

#[tokio::test]
async fn what_a_server_said_stands_where_it_keeps_its_goodbye_to_itself() {
    let silent = Script {
        on_quit: None,
        ..Script::default()
    };
    let delivered = deliver(silent.clone(), Security::Plain, true).await;
    assert_eq!(delivered, Ok(()));
    let spam = Script {
        on_message: Some("554 5.7.1 spam"),
        ..silent.clone()
    };
    permanent(deliver(spam, Security::Plain, true).await);
    let (smtp, server) = transport(silent, Security::Plain, true).await;
    smtp.greet().await.unwrap();
    server.abort();
}

#[tokio::test]
async fn without_tls_nothing_is_said_where_tls_is_asked_for() {
    let script = Script::default();
    let heard = Arc::clone(&script.heard);
    let reason = unavailable(deliver(script, Security::StartTls, true).await);
    assert!(reason.contains("STARTTLS"), "{reason}");
    let said = heard.lock().unwrap().clone();
    assert!(!said.contains("AUTH") && !said.contains("MAIL"), "{said}");
    let script = Script::default();
    let heard = Arc::clone(&script.heard);
    unavailable(deliver(script, Security::Implicit, true).await);
    let said = heard.lock().unwrap().clone();
    assert!(!said.contains("EHLO"), "{said}");
}
