import { Empty, Page } from "../design/page.tsx";

/** One run of a command on a fleet. */
export function FleetPage() {
  return (
    <Page title="Fleet run">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
