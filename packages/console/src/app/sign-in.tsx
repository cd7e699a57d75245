import { useState } from "react";
import { useMe } from "../api/access.ts";
import { isSignedOut } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { loadSignInWays, type SignInWays } from "../api/sign-in-ways.ts";
import { useLiveRetry, useLiveState } from "../api/use-live.tsx";
import { useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";

/** Renders the sign-in after the session has ended, which returns to this address. Unsaved input remains until then. */
export function SignInOverlay() {
  const { error, refetch } = useMe();
  const live = useLiveState();
  const retry = useLiveRetry();
  const [closed, setClosed] = useState(false);
  const isOut = isSignedOut(error) || live.kind === "signed-out";
  const { data: ways } = useLoad(keys.other("sign-in"), loadSignInWays, { enabled: isOut, staleTime: 60_000 });
  if (!isOut || closed) return null;
  return (
    <Dialog title="Sign in" onClose={() => setClosed(true)}>
      <section>
        <p>You are not signed in, or your session has ended.</p>
        <div className="row">
          {ways !== undefined && <SignInLinks ways={ways} />}
          <Button
            onPress={() => {
              void refetch();
              retry();
            }}
          >
            Try again
          </Button>
        </div>
        {ways?.code && (
          <p className="muted">
            An administrator's terminal prints an address with a one-time code: <code>stackyard console</code>.
          </p>
        )}
      </section>
    </Dialog>
  );
}

/** The dialog begins at its most likely next step, which is known only after it has opened. */
const focus = (link: HTMLElement | null): void => link?.focus();

/** Renders a link for each way in that the server has. All return to this address. */
function SignInLinks({ ways: { people, code } }: { ways: SignInWays }) {
  const query = `return=${encodeURIComponent(location.pathname + location.search)}`;
  if (!people && !code) {
    return (
      <p>
        This server has no sign-in for browsers: set <code>access.people</code>, or <code>server.url</code> for one-time
        codes.
      </p>
    );
  }
  return (
    <>
      {people && (
        <a ref={focus} className="button primary" href={`/auth/login?${query}`}>
          Sign in
        </a>
      )}
      {code && (
        <a
          {...(!people && { ref: focus })}
          className={people ? "button" : "button primary"}
          href={`/auth/local?${query}`}
        >
          Use a one-time code
        </a>
      )}
    </>
  );
}
