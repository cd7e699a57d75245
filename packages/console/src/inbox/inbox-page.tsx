import { Empty, Page } from "../design/page.tsx";

/** What needs a person, grouped by its cause. */
export function InboxPage() {
  return (
    <Page title="Inbox">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
