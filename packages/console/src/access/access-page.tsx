import { Page } from "../design/page.tsx";
import { MePanel } from "./me-panel.tsx";
import { RolesPanel } from "./roles-panel.tsx";
import { SessionsPanel } from "./sessions-panel.tsx";
import { TokensPanel } from "./tokens-panel.tsx";

/** Renders who you are, what you may do, API tokens, the logins that have not ended, and the roles. */
export function AccessPage() {
  return (
    <Page title="Access">
      <MePanel />
      <TokensPanel />
      <SessionsPanel />
      <RolesPanel />
    </Page>
  );
}
