//! The queue as its users see it, each test in a database of its own (`DATABASE_URL` names the server).

#[cfg(test)]
mod it {
    mod control;
    mod delivery;
    mod executions;
    mod failing;
    mod limits;
    mod output;
    mod schedules;
    mod stopping;
    mod support;
}
