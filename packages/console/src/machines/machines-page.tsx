import { Empty, Page } from "../design/page.tsx";

/** All machines of the yard. */
export function MachinesPage() {
  return (
    <Page title="Machines">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
