import { Empty, Page } from "../design/page.tsx";

/** A machine as text and graph. */
export function EditPage() {
  return (
    <Page title="Editor">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
