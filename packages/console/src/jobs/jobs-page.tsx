import { Empty, Page } from "../design/page.tsx";

/** Jobs of every executor. */
export function JobsPage() {
  return (
    <Page title="Jobs">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
