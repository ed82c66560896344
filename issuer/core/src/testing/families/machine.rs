//! One family with everybody who has a part in it: a client with several tabs, a thief, a clock, and
//! the row, which a [`Rule`] decides about: [`crate::session::family::judge`], or a worse one, to see
//! that the promises can be broken.
//!
//! A tab reads the token that the client keeps, sends it, and puts the answer in its place if it is
//! still the one that was sent. Requests and answers take their time and get lost. The thief copies
//! the client's token at some moment and uses it, and the answers, from then on. Each [`Step`] is
//! one of these things happening; [`Machine::step`] does it and holds what the row answers against
//! what a family promises (docs/adr/0031-what-a-family-promises.md). What the promises are measured by is
//! written down here as it happens, apart from the row.
//!
//! To add something that can happen, add a step, say in [`Machine::can`] when, and name it in
//! [`super::explore`]'s alphabets.

use crate::session::family::{FamilyHead, FamilyState, RefreshPolicy, Verdict};
use crate::time::UnixTime;

/// Something that happens.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// A tab sends the token that the client keeps.
    Send(usize),
    /// What a tab sent arrives.
    Arrive(usize),
    /// The answer reaches the tab.
    Deliver(usize),
    /// What a tab sent, or its answer, is lost.
    Lose(usize),
    /// The client proves its password again, which advances the family.
    Prove(Fate),
    /// The client logs out.
    LogOut,
    /// The thief copies the client's token.
    Steal,
    /// The thief uses what it has.
    Use(Fate),
    /// Somebody who has the MAC key makes a token that was never issued.
    Forge,
    /// The clock goes forward, in seconds.
    Forward(u64),
    /// The clock goes back, in seconds.
    Back(u64),
    /// Somebody copies the store.
    Copy,
    /// The store is set back to the copy; to its first moment, where there is none.
    SetBack,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Fate {
    Delivered,
    Lost,
}

/// How people behave.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Conduct {
    /// Nobody steals, and the client is careful: it refreshes with a token only when nothing older
    /// is on its way, proves its password only when nothing is unanswered, and all that it sends
    /// comes within the grace, by the clock of the store.
    Careful,
    /// As [`Conduct::Careful`], but tabs don't wait for each other.
    Hasty,
    /// Everything happens.
    Any,
}

/// What the store saw, and what it has to answer.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Asked {
    pub at: UnixTime,
    pub what: Question,
    pub answer: Outcome,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Question {
    /// A refresh token of this generation.
    Refresh(u32),
    Prove,
    LogOut,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Outcome {
    Advanced(u32),
    Repeated(u32),
    Replayed,
    FromFuture,
    /// Refused, and the session ended by it.
    Over,
    /// Refused, and nothing done.
    Dead,
    /// As asked.
    Done,
}

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Tab {
    Idle,
    Asked(u32),
    Answered { asked: u32, answer: Option<u32> },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Party {
    Client,
    Thief,
}

/// Everything at one moment.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Machine {
    conduct: Conduct,
    policy: RefreshPolicy,
    now: UnixTime,
    row: FamilyState,
    copy: FamilyState,
    /// The client's token; `None` once it was told that it isn't good.
    kept: Option<u32>,
    tabs: Vec<Tab>,
    thief: Option<u32>,
    seen: Seen,
}

/// What happened, apart from the row.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Seen {
    opened: UnixTime,
    /// When each generation but the newest was followed by the next.
    superseded: Vec<UnixTime>,
    /// Whether the client has got the newest generation by right: it advanced the family, or was
    /// answered once more, with a row in the trail.
    client_shares: bool,
    /// The same for the thief, who may also have copied it.
    thief_shares: bool,
    /// Whether somebody was told that it is over.
    is_over: bool,
    was_set_back: bool,
    was_forged: bool,
    /// Whether an answer to the client was lost since the last that wasn't.
    is_unsure: bool,
}

impl Seen {
    fn newest(&self) -> u32 {
        u32::try_from(self.superseded.len()).unwrap()
    }

    fn shares(&mut self, party: Party) -> &mut bool {
        match party {
            Party::Client => &mut self.client_shares,
            Party::Thief => &mut self.thief_shares,
        }
    }
}

/// A promise that was broken.
pub type Broken = String;

/// Who decides.
pub type Rule = fn(&FamilyState, u32, UnixTime, &RefreshPolicy) -> Verdict;

impl Machine {
    /// A session that was just opened.
    pub fn open(conduct: Conduct, tabs: usize, policy: RefreshPolicy, now: UnixTime) -> Self {
        let row = FamilyState {
            head: FamilyHead::first(now),
            ended: false,
            account_active: true,
        };
        Self {
            conduct,
            policy,
            now,
            row,
            copy: row,
            kept: Some(0),
            tabs: vec![Tab::Idle; tabs],
            thief: None,
            seen: Seen {
                opened: now,
                superseded: Vec::new(),
                client_shares: true,
                thief_shares: false,
                is_over: false,
                was_set_back: false,
                was_forged: false,
                is_unsure: false,
            },
        }
    }

    /// The same moment whatever the tabs are called.
    #[must_use]
    pub fn nameless(&self) -> Self {
        let mut same = self.clone();
        same.tabs.sort_unstable();
        same
    }

    /// Whether the step can happen now, and does among people who behave like that.
    #[must_use]
    pub fn can(&self, step: Step) -> bool {
        let tab = |tab: usize| self.tabs[tab];
        let any = self.conduct == Conduct::Any;
        match step {
            Step::Send(number) => {
                tab(number) == Tab::Idle && self.kept.is_some() && self.may_send()
            }
            Step::Arrive(number) => match tab(number) {
                Tab::Asked(sent) => any || self.is_in_time(sent),
                Tab::Idle | Tab::Answered { .. } => false,
            },
            Step::Deliver(number) => matches!(tab(number), Tab::Answered { .. }),
            Step::Lose(number) => tab(number) != Tab::Idle,
            Step::Prove(_) => self.kept.is_some() && self.may_prove(),
            Step::LogOut => any && self.kept.is_some(),
            Step::Steal => any && self.kept.is_some() && self.thief != self.kept,
            Step::Use(_) => self.thief.is_some(),
            Step::Forge => any && !self.seen.was_forged,
            Step::Copy => any && self.copy != self.row,
            Step::SetBack => any && self.copy != self.row && !self.seen.was_set_back,
            Step::Forward(_) | Step::Back(_) => true,
        }
    }

    fn may_send(&self) -> bool {
        let waits = |tab: &Tab| matches!(tab, Tab::Asked(sent) if Some(*sent) != self.kept);
        self.conduct != Conduct::Careful || !self.tabs.iter().any(waits)
    }

    /// Whoever proves a password has an access token, which is refused where the session is over.
    fn may_prove(&self) -> bool {
        let is_quiet = !self.seen.is_unsure && self.tabs.iter().all(|tab| *tab == Tab::Idle);
        let is_live = !self.row.ended && self.now < self.row.head.expires_at(&self.policy);
        is_live && (is_quiet || self.conduct == Conduct::Any)
    }

    fn is_in_time(&self, sent: u32) -> bool {
        let superseded = self.seen.superseded.get(usize::try_from(sent).unwrap());
        superseded.is_none_or(|at| self.now <= at.saturating_add(self.policy.grace))
    }

    /// Has the step happen; what the store was asked by it.
    ///
    /// # Errors
    /// When a promise is broken.
    pub fn step(&mut self, step: Step, rule: Rule) -> Result<Option<Asked>, Broken> {
        let asked = match step {
            Step::Send(tab) => {
                self.tabs[tab] = self.kept.map_or(Tab::Idle, Tab::Asked);
                None
            }
            Step::Arrive(tab) => match self.tabs[tab] {
                Tab::Asked(asked) => {
                    let (seen, answer) = self.refresh(Party::Client, asked, rule)?;
                    self.tabs[tab] = Tab::Answered { asked, answer };
                    Some(seen)
                }
                Tab::Idle | Tab::Answered { .. } => None,
            },
            Step::Deliver(tab) => {
                if let Tab::Answered { asked, answer } = self.tabs[tab] {
                    if self.kept == Some(asked) {
                        self.kept = answer;
                        self.seen.is_unsure = false;
                    }
                    self.tabs[tab] = Tab::Idle;
                }
                None
            }
            Step::Lose(tab) => {
                self.seen.is_unsure = true;
                self.tabs[tab] = Tab::Idle;
                None
            }
            Step::Prove(fate) => Some(self.prove(fate, rule)?),
            Step::LogOut => Some(self.log_out()),
            Step::Steal => {
                self.thief = self.kept;
                let is_newest = self.kept == Some(self.seen.newest());
                self.seen.thief_shares |= is_newest && self.seen.client_shares;
                None
            }
            Step::Use(fate) => match self.thief {
                Some(stolen) => {
                    let (seen, answer) = self.refresh(Party::Thief, stolen, rule)?;
                    if fate == Fate::Delivered {
                        self.thief = answer;
                    }
                    Some(seen)
                }
                None => None,
            },
            Step::Forge => {
                self.seen.was_forged = true;
                let never_issued = self.seen.newest() + 1;
                let seen = self.present(never_issued, rule)?;
                if !matches!(seen.answer, Outcome::FromFuture | Outcome::Dead) {
                    return Err(format!("a forged token was answered {:?}", seen.answer));
                }
                Some(seen)
            }
            Step::Forward(seconds) => {
                self.now = self.now.saturating_add(seconds);
                None
            }
            Step::Back(seconds) => {
                self.now = self.now.saturating_sub(seconds);
                None
            }
            Step::Copy => {
                self.copy = self.row;
                None
            }
            Step::SetBack => {
                self.row = self.copy;
                self.seen.was_set_back = true;
                self.seen.is_over = self.row.ended;
                None
            }
        };
        self.check_heads(rule)?;
        Ok(asked)
    }

    fn refresh(
        &mut self,
        party: Party,
        sent: u32,
        rule: Rule,
    ) -> Result<(Asked, Option<u32>), Broken> {
        let expected_over = self.has_expired();
        let was_over = self.seen.is_over;
        let seen = self.present(sent, rule)?;
        let answer = match seen.answer {
            Outcome::Advanced(next) => {
                // The store may be set back to before a turn that was taken.
                if !*self.seen.shares(party) && !self.seen.was_set_back {
                    return Err(format!(
                        "{party:?} goes on without having shared, as far as the trail knows"
                    ));
                }
                (self.seen.client_shares, self.seen.thief_shares) = (false, false);
                *self.seen.shares(party) = true;
                Some(next)
            }
            Outcome::Repeated(head) => {
                if !self.seen.was_set_back && !self.is_in_time(sent) {
                    return Err("a token is repeated after its grace".to_owned());
                }
                *self.seen.shares(party) = true;
                Some(head)
            }
            Outcome::Over if expected_over => None,
            Outcome::Over => return Err("a session is over before its time".to_owned()),
            Outcome::Replayed | Outcome::FromFuture | Outcome::Dead | Outcome::Done => {
                if self.conduct != Conduct::Any && !was_over {
                    let what = seen.answer;
                    return Err(format!("an honest client is logged out: {what:?}"));
                }
                None
            }
        };
        let head = self.row.head.generation;
        match answer {
            Some(given) if given != head => Err(format!("{given} is given, and {head} the head")),
            _ => Ok((seen, answer)),
        }
    }

    /// By what was seen, not by the row.
    fn has_expired(&self) -> bool {
        let seen = &self.seen;
        let last = seen.superseded.last().copied().unwrap_or(seen.opened);
        let absolute = seen.opened.saturating_add(self.policy.absolute);
        let idle = last.saturating_add(self.policy.idle);
        seen.was_set_back || self.now >= idle || self.now >= absolute
    }

    /// What the store does with a token, as its adapters do.
    fn present(&mut self, sent: u32, rule: Rule) -> Result<Asked, Broken> {
        let behind = self.row.head.generation < sent && !self.row.ended;
        let verdict = rule(&self.row, sent, self.now, &self.policy);
        let answer = match verdict {
            Verdict::Advance { next } => {
                self.advance(next);
                Outcome::Advanced(next)
            }
            Verdict::Repeat => Outcome::Repeated(self.row.head.generation),
            Verdict::Replay => Outcome::Replayed,
            Verdict::FromFuture => Outcome::FromFuture,
            Verdict::Over => Outcome::Over,
            Verdict::Dead => Outcome::Dead,
        };
        self.row.ended |= matches!(
            answer,
            Outcome::Replayed | Outcome::FromFuture | Outcome::Over
        );
        if behind != (answer == Outcome::FromFuture) {
            return Err(format!("a token of the future is answered {answer:?}"));
        }
        let goes_on = matches!(answer, Outcome::Advanced(_) | Outcome::Repeated(_));
        if goes_on && self.seen.is_over {
            return Err("a family that was over has revived".to_owned());
        }
        self.seen.is_over |= !goes_on;
        Ok(Asked {
            at: self.now,
            what: Question::Refresh(sent),
            answer,
        })
    }

    fn advance(&mut self, next: u32) {
        let followed = usize::try_from(self.row.head.generation).unwrap();
        self.row.head.generation = next;
        self.row.head.advanced_at = self.now;
        self.seen
            .superseded
            .truncate(followed.max(self.seen.superseded.len()));
        match self.seen.superseded.get_mut(followed) {
            Some(at) => *at = self.now,
            None => self.seen.superseded.push(self.now),
        }
    }

    fn prove(&mut self, fate: Fate, rule: Rule) -> Result<Asked, Broken> {
        let head = self.row.head.generation;
        let verdict = rule(&self.row, head, self.now, &self.policy);
        let Verdict::Advance { next } = verdict else {
            return Err(format!("a live session proves its password: {verdict:?}"));
        };
        if self.seen.is_over {
            return Err("a family that was over has revived".to_owned());
        }
        self.advance(next);
        (self.seen.client_shares, self.seen.thief_shares) = (true, false);
        match fate {
            Fate::Delivered => self.kept = Some(next),
            Fate::Lost => self.seen.is_unsure = true,
        }
        Ok(Asked {
            at: self.now,
            what: Question::Prove,
            answer: Outcome::Advanced(next),
        })
    }

    fn log_out(&mut self) -> Asked {
        let answer = match self.row.ended {
            true => Outcome::Dead,
            false => Outcome::Done,
        };
        self.row.ended = true;
        self.seen.is_over = true;
        Asked {
            at: self.now,
            what: Question::LogOut,
            answer,
        }
    }

    /// At most one generation advances the family, and none that was ended.
    fn check_heads(&self, rule: Rule) -> Result<(), Broken> {
        let newest = self.seen.newest().saturating_add(2);
        let advances = |generation: &u32| {
            let verdict = rule(&self.row, *generation, self.now, &self.policy);
            matches!(verdict, Verdict::Advance { .. })
        };
        let heads = (0..=newest).filter(advances).count();
        match heads <= usize::from(!self.row.ended) {
            true => Ok(()),
            false => Err(format!("there are {heads} heads")),
        }
    }
}
