import { Empty, Page } from "../design/page.tsx";

/** One job. */
export function JobPage() {
  return (
    <Page title="Job">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
