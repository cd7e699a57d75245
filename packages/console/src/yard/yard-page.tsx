import { Empty, Page } from "../design/page.tsx";

/** Servers, workers and their room. */
export function YardPage() {
  return (
    <Page title="Yard">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
