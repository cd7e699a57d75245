import { Empty, Page } from "../design/page.tsx";

/** What needs attention, what runs and what happened last. */
export function OverviewPage() {
  return (
    <Page title="Overview">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
