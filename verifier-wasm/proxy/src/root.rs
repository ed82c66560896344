//! What a thread does beside requests: it is configured once, and woken ten times a second.

use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType, LogLevel};
use signet_verifier::Gate;
use signet_verifier::policy::Policy;

use crate::guard::Guard;
use crate::host;
use crate::learner::Learner;
use crate::request::Request;
use crate::settings::Settings;

/// How often threads look at the board. A request that waits for a feed waits for two of them at
/// least where another thread leads.
const TICK: Duration = Duration::from_millis(100);

/// The filter of a thread.
pub(crate) struct Root {
    id: u32,
    guard: Rc<Guard>,
    /// Absent where pinned keys are all there is.
    learner: Option<Learner>,
}

impl Root {
    /// Before it is configured it lets nothing through.
    pub(crate) fn new(id: u32) -> Self {
        let nothing = Policy::without_rules("", []);
        Self {
            id,
            guard: Rc::new(Guard::new(Gate::new(nothing))),
            learner: None,
        }
    }

    fn configure(&mut self, settings: Settings) {
        for left_out in settings.left_out {
            let text = format!("signet: pinned_keys: {left_out}; it can't be used");
            host::log(LogLevel::Warn, &text);
        }
        self.guard = Rc::new(Guard::new(settings.gate));
        self.learner = settings.source.map(Learner::new);
        if let Some(learner) = &mut self.learner {
            learner.learn(host::now(), &self.guard);
        }
        let _envoy_takes_any = hostcalls::set_tick_period(TICK);
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, _: usize, body_size: usize, _: usize) {
        if let Some(learner) = &mut self.learner {
            learner.on_answer(call, body_size, &self.guard);
        }
        self.guard.reconsider(host::now(), self.id);
    }
}

impl RootContext for Root {
    /// Where it says no, Envoy doesn't start.
    fn on_configure(&mut self, size: usize) -> bool {
        let text = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size);
        let text = text.ok().flatten().unwrap_or_default();
        match Settings::read(&text) {
            Ok(settings) => {
                self.configure(settings);
                true
            }
            Err(faults) => {
                for fault in faults {
                    let text = format!("signet: the configuration can't be used: {fault}");
                    host::log(LogLevel::Error, &text);
                }
                false
            }
        }
    }

    fn on_tick(&mut self) {
        let now = host::now();
        self.guard.tick();
        if let Some(learner) = &mut self.learner {
            learner.tick(now, &self.guard);
        }
        self.guard.reconsider(now, self.id);
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Request::new(id, Rc::clone(&self.guard))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
