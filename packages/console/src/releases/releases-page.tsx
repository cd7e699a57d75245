import { Empty, Page } from "../design/page.tsx";

/** Running versions by project and configuration. */
export function ReleasesPage() {
  return (
    <Page title="Releases">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
