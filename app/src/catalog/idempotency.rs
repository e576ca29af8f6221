//! Requests that were named with a key, and how they were answered.
//!
//! A row is written before anything is done, with the id that what is made will have: whoever finds
//! it without a response after a crash goes on with the same id, so that nothing is made twice.

use anyhow::Result;

use super::{Catalog, now};

/// How long a key is remembered, in milliseconds.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// A request that was named with a key.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptRequest {
    /// SHA-256 of what was asked.
    pub fingerprint: String,
    /// Id that what it makes has.
    pub resource: String,
    /// HTTP status of the response; none until it is known.
    pub status: Option<u16>,
    /// The response's JSON; none until it is known.
    pub body: Option<String>,
}

impl Catalog {
    /// Remembers a request under its key, or finds the one that has it. Keys older than a day are
    /// forgotten first.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn keep_request(
        &self,
        key: &str,
        fingerprint: &str,
        resource: &str,
    ) -> Result<KeptRequest> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
            .bind(now() - KEPT_MS)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO idempotency_keys (key, fingerprint, resource, created_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(key)
        .bind(fingerprint)
        .bind(resource)
        .bind(now())
        .execute(&mut *transaction)
        .await?;
        let kept = sqlx::query_as(
            "SELECT fingerprint, resource, status, body FROM idempotency_keys WHERE key = $1",
        )
        .bind(key)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(kept)
    }

    /// Remembers how a request was answered.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn keep_response(&self, key: &str, status: u16, body: &str) -> Result<()> {
        sqlx::query("UPDATE idempotency_keys SET status = $1, body = $2 WHERE key = $3")
            .bind(status)
            .bind(body)
            .bind(key)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets a request that came to nothing, so that it can be made again under the same key.
    ///
    /// # Errors
    /// Where the database refuses.
    pub async fn forget_request(&self, key: &str) -> Result<()> {
        sqlx::query("DELETE FROM idempotency_keys WHERE key = $1")
            .bind(key)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_remembered_for_a_day_and_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite");
        let catalog = Catalog::open(&path).await.unwrap();
        let first = catalog.keep_request("k", "f", "r").await.unwrap();
        assert_eq!((first.resource.as_str(), first.status), ("r", None));
        catalog.close().await;

        let catalog = Catalog::open(&path).await.unwrap();
        let again = catalog.keep_request("k", "g", "s").await.unwrap();
        assert_eq!(
            (again.fingerprint.as_str(), again.resource.as_str()),
            ("f", "r")
        );
        catalog.keep_response("k", 202, "{}").await.unwrap();
        let answered = catalog.keep_request("k", "f", "s").await.unwrap();
        assert_eq!(
            (answered.status, answered.body.as_deref()),
            (Some(202), Some("{}"))
        );

        sqlx::query("UPDATE idempotency_keys SET created_at = created_at - $1")
            .bind(KEPT_MS + 1000)
            .execute(&catalog.pool)
            .await
            .unwrap();
        let new = catalog.keep_request("k", "g", "s").await.unwrap();
        assert_eq!((new.fingerprint.as_str(), new.status), ("g", None));
    }
}
