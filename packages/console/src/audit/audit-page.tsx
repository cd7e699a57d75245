import { Empty, Page } from "../design/page.tsx";

/** The audit log. */
export function AuditPage() {
  return (
    <Page title="Audit">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
