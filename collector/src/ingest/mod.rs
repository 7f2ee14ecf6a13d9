//! Takes findings from agents: one stream each, acknowledged after the commit.
//!
//! gRPC promises order within a stream and flow control, not delivery: a stream may break at any moment, and what was
//! not acknowledged comes again on the next. So a batch is stored whole or not at all, and findings that are there
//! already are counted and passed over.

mod session;
mod validate;

use coroner_proto::v1::ingest_service_server::IngestService;
use coroner_proto::v1::{ReportRequest, ReportResponse};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::metrics::Metrics;
use crate::store::Store;
use session::Session;

/// Answers waiting to be sent. They are a few bytes each, and one at a time is enough: an acknowledgement covers all
/// before it.
const ANSWERS: usize = 4;

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Ingest {
    store: Store,
    metrics: Metrics,
    stop: watch::Receiver<bool>,
}

impl Ingest {
    pub(crate) fn new(store: Store, metrics: Metrics, stop: watch::Receiver<bool>) -> Self {
        Self { store, metrics, stop }
    }
}

#[tonic::async_trait]
impl IngestService for Ingest {
    type ReportStream = ReceiverStream<Result<ReportResponse, Status>>;

    async fn report(
        &self,
        request: Request<Streaming<ReportRequest>>,
    ) -> Result<Response<Self::ReportStream>, Status> {
        let (answers, stream) = mpsc::channel(ANSWERS);
        let session =
            Session::new(self.store.clone(), self.metrics.clone(), answers, self.stop.clone());
        tokio::spawn(session.run(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}
