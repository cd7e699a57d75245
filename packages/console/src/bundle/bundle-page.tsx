import { Empty, Page } from "../design/page.tsx";

/** A stack from an incident bundle, without a yard too. */
export function BundlePage() {
  return (
    <Page title="Bundle">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
