import { QueryClientProvider } from "@tanstack/react-query";
import { createHashHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { useState } from "react";
import { queryClient } from "../api/client.ts";
import { LiveProvider } from "../api/use-live.tsx";
import { OnlyPage, SEARCH_FORMAT } from "../design/links.tsx";
import { mount } from "../design/mount.tsx";
import { stopClock } from "../text/server-clock.ts";
import { OpenedBundle } from "./opened-bundle.tsx";
import { type ParsedBundle, readBundle } from "./parse-bundle.ts";
import "../design/base.css";
import "../app/shell.css";
import "./incident.css";

// The page of an incident: one file, which a double click opens. It contains the bundle of a stack, and loads nothing.

// Parts of the console ask who is signed in: a file has no yard to ask.
globalThis.fetch = () => Promise.reject(new TypeError("A file has no yard."));

void readBundle(new Blob([document.getElementById("bundle")?.textContent ?? ""])).then((parsed) => {
  if (parsed.kind === "bundle") stopClock(parsed.bundle.createdAt);
  mount(<IncidentFile parsed={parsed} />);
});

function IncidentFile({ parsed }: { parsed: ParsedBundle }) {
  const [router] = useState(() => {
    const root = createRootRoute({ component: () => <Incident parsed={parsed} />, notFoundComponent: () => null });
    // The path of a file says nothing; the part behind `#` says which tab is shown.
    return createRouter({ routeTree: root, history: createHashHistory(), ...SEARCH_FORMAT });
  });
  return (
    <QueryClientProvider client={queryClient}>
      <LiveProvider>
        <OnlyPage value="/bundle">
          <RouterProvider router={router} />
        </OnlyPage>
      </LiveProvider>
    </QueryClientProvider>
  );
}

function Incident({ parsed }: { parsed: ParsedBundle }) {
  return (
    <main className="incident">
      {parsed.kind === "bundle" ? (
        <OpenedBundle bundle={parsed.bundle} />
      ) : (
        <p className="notice fail" role="alert">
          {parsed.message}
        </p>
      )}
    </main>
  );
}
