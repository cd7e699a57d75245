import { Empty, Page } from "../design/page.tsx";

/** All Terraform states of the yard. */
export function StatesPage() {
  return (
    <Page title="Terraform states">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
