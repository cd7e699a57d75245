/** Which yard a screen is of. */
export type YardName = "story" | "empty";

/** A screen of the console. */
export interface Screen {
  /** Part of the names of its pictures. */
  readonly name: string;
  /** `{job}` and the like become ids of the yard. */
  readonly path: string;
  readonly yard: YardName;
  /** Also taken at the width of a phone. */
  readonly isMain?: boolean;
  /** Also taken dark: a page shows it. Contrast in both schemes has tests of its own. */
  readonly isDark?: boolean;
  /** Without a session. */
  readonly isSignedOut?: boolean;
  /** A dialog is opened by this button. */
  readonly press?: string;
}

const story = (name: string, path: string, more: Partial<Screen> = {}): Screen => ({
  name,
  path,
  yard: "story",
  ...more,
});
const empty = (name: string, path: string, more: Partial<Screen> = {}): Screen => ({
  name: `empty-${name}`,
  path,
  yard: "empty",
  ...more,
});

/** Every screen of the console: each route, and the states of those that have several. */
export const SCREENS: readonly Screen[] = [
  story("sign-in", "/", { isSignedOut: true }),
  story("sign-in-code", "/auth/local?return=/approvals", { isSignedOut: true }),
  story("sign-in-error", "/auth/login", { isSignedOut: true }),
  story("sign-in-confirm", "/auth/confirm"),
  story("unknown-path", "/no-such-page"),
  story("overview", "/", { isMain: true, isDark: true }),
  story("stacks", "/stacks?text=staging", { isMain: true }),
  story("stacks-tiles", "/stacks?text=staging&view=tiles"),
  story("stacks-failed", "/stacks?is=failed"),
  story("stacks-no-match", "/stacks?text=nothing-has-this-name"),
  story("inbox", "/inbox"),
  story("inbox-waiting", "/inbox?tab=waiting"),
  story("stack-failed", "/stack?id=web-pr-482", { isMain: true }),
  story("stack-running", "/stack?id=web-pr-483"),
  story("stack-healthy", "/stack?id=web-pr-470"),
  story("stack-history", "/stack?id=web-pr-482&tab=history"),
  story("stack-attempts", "/stack?id=web-pr-482&tab=attempts"),
  story("stack-metadata", "/stack?id=web-pr-482&tab=metadata"),
  story("stack-machine", "/stack?id=web-pr-482&tab=machine"),
  story("stack-unknown", "/stack?id=no-such-stack"),
  story("stack-send", "/stack?id=web-pr-470", { press: "Send event…" }),
  story("log", "/log?attempt={attempt}"),
  story("approvals", "/approvals"),
  story("approval", "/approval?stack=shop-1.43.0&task=sign-off", { isMain: true }),
  story("releases", "/releases", { isMain: true }),
  story("freezes", "/freezes"),
  story("release-stack", "/release?id=shop-1.42.0", { isMain: true }),
  story("plan", "/plan?stack=shop-1.43.0&plan=plan"),
  story("release-asg", "/asg?id={releaseJob}"),
  story("fleet", "/fleet?id={fleetJob}"),
  story("jobs", "/jobs"),
  story("job", "/job?id={job}"),
  story("custom-resources", "/custom-resources"),
  story("custom-resource-unknown", "/custom-resource?id=no-such-request"),
  story("custom-resource", "/custom-resource?id={request}"),
  story("machines", "/machines"),
  story("machine", "/machine?name=review-app"),
  story("machine-text", "/machine?name=review-app&tab=text"),
  story("editor", "/edit?machine=review-app"),
  story("simulator", "/simulate?machine=review-app"),
  story("states", "/states"),
  story("state", "/state?key=shop/prod"),
  story("artifacts", "/artifacts"),
  story("bundle", "/bundle"),
  story("yard", "/yard", { isMain: true }),
  story("audit", "/audit"),
  story("access", "/access"),
  empty("overview", "/", { isMain: true }),
  empty("stacks", "/stacks"),
  empty("approvals", "/approvals"),
  empty("releases", "/releases"),
  empty("inbox", "/inbox"),
  empty("jobs", "/jobs"),
  empty("machines", "/machines"),
  empty("states", "/states"),
];
