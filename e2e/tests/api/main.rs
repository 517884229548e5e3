//! Schemas and controllers against an API server without nodes.

mod api_server;
mod chart_rights;
mod crd_corpus;
mod helm_chart;
mod operator_definitions;
mod operator_harness;
mod operator_kills;
mod operator_leader;
mod operator_load;
mod operator_objects;
mod operator_others;
mod operator_outside;
mod operator_platform;
mod operator_projects;
mod operator_quiet;
mod operator_registry;
mod operator_restored;
mod operator_retention;
mod operator_settled;
mod operator_tenants;
mod pretended_nodes;
