import { Empty, Page } from "../design/page.tsx";

/** The log of one attempt. */
export function LogPage() {
  return (
    <Page title="Log">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
