import { Page } from "../design/page.tsx";
import { MePanel } from "./me-panel.tsx";
import { SessionsPanel } from "./sessions-panel.tsx";
import { TokensPanel } from "./tokens-panel.tsx";

/** Renders who you are, what you may do, API tokens, and the logins that have not ended. */
export function AccessPage() {
  return (
    <Page title="Access">
      <MePanel />
      <TokensPanel />
      <SessionsPanel />
    </Page>
  );
}
