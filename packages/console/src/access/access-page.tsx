import { useSearch } from "../design/links.tsx";
import { Page } from "../design/page.tsx";
import { Tabs } from "../design/tabs.tsx";
import { MePanel } from "./me-panel.tsx";
import { SessionsPanel } from "./sessions-panel.tsx";
import { TokensPanel } from "./tokens-panel.tsx";

/** Renders who you are, what you may do, and the logins that have not ended; or API tokens. */
export function AccessPage() {
  const tab = useSearch()["tab"] ?? "me";
  return (
    <Page title="Access">
      <Tabs
        path="/access"
        tabs={[
          { id: "me", title: "You" },
          { id: "tokens", title: "API tokens" },
        ]}
      />
      {tab === "tokens" ? (
        <TokensPanel />
      ) : (
        <>
          <MePanel />
          <SessionsPanel />
        </>
      )}
    </Page>
  );
}
