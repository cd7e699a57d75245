import { Empty, Page } from "../design/page.tsx";

/** Versions of artifacts by account and region. */
export function ArtifactsPage() {
  return (
    <Page title="Artifacts">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
