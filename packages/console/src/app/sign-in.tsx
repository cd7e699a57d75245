import { useRouterState } from "@tanstack/react-router";
import { useState } from "react";
import { useMe } from "../api/access.ts";
import { isSignedOut } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { loadSignInWays, type SignInWays } from "../api/sign-in-ways.ts";
import { useLiveRetry, useLiveState } from "../api/use-live.tsx";
import { useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { useSearch } from "../design/links.tsx";
import { MissingNotice } from "../design/page.tsx";
import { Text } from "../design/text.tsx";
import { useWindowTitle } from "../design/use-window-title.ts";
import { toSafeText } from "../text/safe-text.ts";
import { MarkDrawing } from "./product-mark.tsx";
import { findCrumbs } from "./screens.ts";
import "./sign-in.css";

function useIsOut(): boolean {
  const { error } = useMe();
  const live = useLiveState();
  return isSignedOut(error) || live.kind === "signed-out";
}

/** Returns true for a person who is not signed in and of whom this page knows nothing, until one is signed in. */
export function useIsStranger(): boolean {
  const { data } = useMe();
  const isOut = useIsOut();
  const [isStranger, setStranger] = useState(false);
  // While it is loaded again, nothing is known either.
  const now = data === undefined && (isStranger || isOut);
  if (now !== isStranger) setStranger(now);
  return now;
}

/** Renders the sign-in after the session has ended, which returns to this address. Unsaved input remains until then. */
export function SignInOverlay() {
  const [closed, setClosed] = useState(false);
  if (!useIsOut() || closed) return null;
  return (
    <Dialog title="Sign in" onClose={() => setClosed(true)}>
      <section>
        <p>Your session has ended. What you have entered stays.</p>
        <Ways />
        <Elsewhere />
      </section>
    </Dialog>
  );
}

/** Renders the sign-in in place of a console of which nothing may be shown yet. */
export function SignInPage() {
  useWindowTitle("Sign in");
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const next = findCrumbs(path, useSearch()).at(-1)?.title ?? "";
  return (
    <main className="sign-in">
      <p className="sign-in-brand">
        <MarkDrawing state="quiet" size={40} />
        <b>
          Stackyard
          <YardName />
        </b>
      </p>
      <section className="panel">
        <h1>Sign in</h1>
        <Ways />
      </section>
      <p className="muted">
        Then you continue to{" "}
        <b>
          <Text>{next}</Text>
        </b>
      </p>
    </main>
  );
}

/** Renders the name of the yard, of which only the ways in are known yet. */
function YardName() {
  const { data } = useSignInWays();
  if (data?.yard === undefined) return null;
  return (
    <span className="sign-in-yard">
      <Text>{data.yard}</Text>
    </span>
  );
}

function useSignInWays() {
  return useLoad(keys.other("sign-in"), loadSignInWays, { staleTime: 60_000 });
}

/** Renders the ways in, and where a one-time code is from; a failure where they could not be loaded. */
function Ways() {
  const query = useSignInWays();
  const { data: ways } = query;
  return (
    <>
      <MissingNotice query={query} />
      {ways !== undefined && (
        <div className="sign-in-ways">
          <SignInLinks ways={ways} />
        </div>
      )}
      {ways?.code && (
        <p className="muted small">
          <code>stackyard console</code> prints a code. It needs an administrator's token of the yard.
        </p>
      )}
    </>
  );
}

/** Renders the way on for a person who has signed in in another tab. */
function Elsewhere() {
  const { refetch } = useMe();
  const retry = useLiveRetry();
  return (
    <p className="muted small">
      Signed in in another tab?{" "}
      <Button
        look="plain"
        onPress={() => {
          void refetch();
          retry();
        }}
      >
        Continue here
      </Button>
    </p>
  );
}

/** Dialog and page begin at their most likely next step, which is known only after they are shown. */
const focus = (link: HTMLElement | null): void => link?.focus();

/** Renders a link for each way in that the server has. All return to this address. */
function SignInLinks({ ways: { people, code, issuer } }: { ways: SignInWays }) {
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
          {issuer === undefined ? "Sign in" : `Sign in at ${toSafeText(issuer)}`}
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
