import { Empty, Page } from "../design/page.tsx";

/** A machine played step by step. */
export function SimulatePage() {
  return (
    <Page title="Simulator">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
