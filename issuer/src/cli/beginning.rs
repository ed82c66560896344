//! Lists that end at a limit, and say so where there is more.

use signet_core::ports::StoreResult;

/// The beginning of a list.
#[derive(Debug)]
pub(super) struct Beginning<T> {
    /// What is shown of it.
    pub(super) items: Vec<T>,
    /// Whether there is more.
    pub(super) more: bool,
}

impl<T> Beginning<T> {
    /// Reads page by page, each behind the last item of those before, until there is more than is
    /// shown or nothing more.
    pub(super) async fn read(
        limit: u32,
        page_behind: impl AsyncFn(Option<&T>) -> StoreResult<Vec<T>>,
    ) -> StoreResult<Self> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        loop {
            let page = page_behind(items.last()).await?;
            let is_over = page.is_empty();
            items.extend(page);
            if is_over || items.len() > most {
                let more = items.len() > most;
                items.truncate(most);
                return Ok(Self { items, more });
            }
        }
    }

    /// What stands below the list.
    pub(super) fn end(&self) -> &'static str {
        match self.more {
            true => "there are more: --limit says how many are shown\n",
            false => "",
        }
    }
}
