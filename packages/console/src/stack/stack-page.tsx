import { Empty, Page } from "../design/page.tsx";

/** One stack: what it waits for, its tasks, history, attempts and metadata. */
export function StackPage() {
  return (
    <Page title="Stack">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
