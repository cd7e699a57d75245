import { Empty, Page } from "../design/page.tsx";

/** One approval: what is approved, and by whom. */
export function ApprovalPage() {
  return (
    <Page title="Approval">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
