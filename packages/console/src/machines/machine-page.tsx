import { Empty, Page } from "../design/page.tsx";

/** One machine: revisions, graph, text. */
export function MachinePage() {
  return (
    <Page title="Machine">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
