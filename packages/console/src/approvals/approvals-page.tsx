import { Empty, Page } from "../design/page.tsx";

/** Open approvals. */
export function ApprovalsPage() {
  return (
    <Page title="Approvals">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
