import { Empty, Page } from "../design/page.tsx";

/** Tokens, sessions and grants. */
export function AccessPage() {
  return (
    <Page title="Access">
      <Empty>This screen is not built yet.</Empty>
    </Page>
  );
}
