import { Empty, Page } from "../design/page.tsx";

/** One release. */
export function ReleasePage() {
  return (
    <Page title="Release">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
