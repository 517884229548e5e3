use slipway_api::client::ExportTarget;

use crate::command::Printer;
use crate::failure::Result;
use crate::session::Session;

/// Print a project as the Kubernetes object that would create it.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The project.
    project: String,
    /// The object's namespace.
    #[arg(long)]
    namespace: Option<String>,
    /// The Registry object that it shall belong to.
    #[arg(long, value_name = "NAME")]
    registry_object: Option<String>,
    /// That object's namespace.
    #[arg(long, value_name = "NAMESPACE")]
    registry_namespace: Option<String>,
}

impl Export {
    pub(crate) async fn run(self, session: &Session, out: &mut Printer) -> Result<()> {
        let target = ExportTarget {
            registry: self.registry_object,
            registry_namespace: self.registry_namespace,
            namespace: self.namespace,
        };
        out.text(&session.client.project_export(&self.project, &target).await?)
    }
}
