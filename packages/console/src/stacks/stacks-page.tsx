import { Empty, Page } from "../design/page.tsx";

/** All stacks, filtered and sorted by the server. */
export function StacksPage() {
  return (
    <Page title="Stacks">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
