import { useEffect, useRef } from "react";
import { useUnreachable } from "../api/use-live.tsx";
import { Button } from "../design/button.tsx";
import { Page } from "../design/page.tsx";

/** The module of a page could not be loaded. For the error of the browser itself, the router would reload a page without a server. */
export class PageNotLoadedError extends Error {
  constructor(cause: unknown) {
    super("The page could not be loaded.", { cause });
  }
}

/**
 * Replaces a page whose module could not be loaded. Without a server it waits for an answer; while the server answers,
 * a missing module means that it was upgraded. Browsers cache the failure of a module: only a reload tries again.
 */
export function NotLoaded({ reload = () => location.reload() }: { reload?: () => void }) {
  const isGone = useUnreachable();
  const wasGone = useRef(false);
  useEffect(() => {
    if (wasGone.current && !isGone) reload();
    wasGone.current ||= isGone;
  }, [isGone, reload]);
  return (
    <Page title={isGone ? "Server unreachable" : "New version"}>
      <div className="notice fail" role="alert">
        <p>
          {isGone
            ? "This page was not loaded yet. It opens when the server answers again."
            : "The server was upgraded. Reload the page to use its console."}
        </p>
        {!isGone && <Button onPress={reload}>Reload</Button>}
      </div>
    </Page>
  );
}
