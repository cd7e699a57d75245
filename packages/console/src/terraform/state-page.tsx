import { Empty, Page } from "../design/page.tsx";

/** One Terraform state: versions, lock, differences. */
export function StatePage() {
  return (
    <Page title="Terraform state">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
