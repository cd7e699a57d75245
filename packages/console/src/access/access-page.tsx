import { useSearch } from "../design/links.tsx";
import { Page } from "../design/page.tsx";
import { Tabs } from "../design/tabs.tsx";
import { MePanel } from "./me-panel.tsx";
import { SessionsPanel } from "./sessions-panel.tsx";
import { TokensPanel } from "./tokens-panel.tsx";

/** Renders who you are and what you may do, API tokens, and logins. */
export function AccessPage() {
  const tab = useSearch()["tab"] ?? "me";
  return (
    <Page title="Access">
      <Tabs
        path="/access"
        tabs={[
          { id: "me", title: "You" },
          { id: "tokens", title: "API tokens" },
          { id: "sessions", title: "Sessions" },
        ]}
      />
      {tab === "tokens" ? <TokensPanel /> : tab === "sessions" ? <SessionsPanel /> : <MePanel />}
    </Page>
  );
}
