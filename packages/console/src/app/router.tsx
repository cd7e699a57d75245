import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
} from "@tanstack/react-router";
import type { ComponentType } from "react";
import { toFailure } from "../api/client.ts";
import { Button } from "../design/button.tsx";
import { SEARCH_FORMAT } from "../design/links.tsx";
import { Absent, Page, Skeleton } from "../design/page.tsx";
import { NotLoaded, PageNotLoadedError } from "./not-loaded.tsx";
import { Shell } from "./shell.tsx";

type Load = () => Promise<Record<string, ComponentType>>;

// One line a page: its path, its module and the component's name. Every module is a chunk that is loaded when it is opened.
const pages: readonly (readonly [string, Load, string])[] = [
  ["/", () => import("../overview/overview-page.tsx"), "OverviewPage"],
  ["/stacks", () => import("../stacks/stacks-page.tsx"), "StacksPage"],
  ["/stack", () => import("../stack/stack-page.tsx"), "StackPage"],
  ["/log", () => import("../stack/attempts/log-page.tsx"), "LogPage"],
  ["/machines", () => import("../machines/machines-page.tsx"), "MachinesPage"],
  ["/machine", () => import("../machines/machine-page.tsx"), "MachinePage"],
  ["/edit", () => import("../editor/edit-page.tsx"), "EditPage"],
  ["/simulate", () => import("../editor/simulate-page.tsx"), "SimulatePage"],
  ["/inbox", () => import("../inbox/inbox-page.tsx"), "InboxPage"],
  ["/jobs", () => import("../jobs/jobs-page.tsx"), "JobsPage"],
  ["/job", () => import("../jobs/job-page.tsx"), "JobPage"],
  ["/fleet", () => import("../fleet/fleet-page.tsx"), "FleetPage"],
  ["/custom-resources", () => import("../custom/custom-resources-page.tsx"), "CustomResourcesPage"],
  ["/custom-resource", () => import("../custom/custom-resource-page.tsx"), "CustomResourcePage"],
  ["/releases", () => import("../releases/releases-page.tsx"), "ReleasesPage"],
  ["/release", () => import("../stack/release/release-page.tsx"), "ReleasePage"],
  ["/asg", () => import("../releases/asg-page.tsx"), "AsgPage"],
  ["/plan", () => import("../releases/plan-page.tsx"), "PlanPage"],
  ["/freezes", () => import("../releases/freezes-page.tsx"), "FreezesPage"],
  ["/artifacts", () => import("../artifacts/artifacts-page.tsx"), "ArtifactsPage"],
  ["/states", () => import("../terraform/states-page.tsx"), "StatesPage"],
  ["/state", () => import("../terraform/state-page.tsx"), "StatePage"],
  ["/yard", () => import("../yard/yard-page.tsx"), "YardPage"],
  ["/approvals", () => import("../approvals/approvals-page.tsx"), "ApprovalsPage"],
  ["/approval", () => import("../approvals/approval-page.tsx"), "ApprovalPage"],
  ["/audit", () => import("../audit/audit-page.tsx"), "AuditPage"],
  ["/access", () => import("../access/access-page.tsx"), "AccessPage"],
  ["/bundle", () => import("../bundle/bundle-page.tsx"), "BundlePage"],
];

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: PageError });

const routes = pages.map(([path, load, name]) =>
  createRoute({
    getParentRoute: () => root,
    path,
    component: lazyRouteComponent(() => loadPage(load), name),
    errorComponent: PageError,
    pendingComponent: () => <Skeleton height={400} />,
  }),
);

/** The pages of the console. */
export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: "intent",
  ...SEARCH_FORMAT,
  scrollRestoration: false,
});

function NotFound() {
  return (
    <Page title="Page not found">
      <Absent path="/" word="Overview" reasons="Search for a screen or a stack above.">
        The console has no page at this address. It may have a mistake.
      </Absent>
    </Page>
  );
}

async function loadPage(load: Load): Promise<Record<string, never>> {
  try {
    return (await load()) as Record<string, never>;
  } catch (cause) {
    throw new PageNotLoadedError(cause);
  }
}

function PageError({ error, reset }: ErrorComponentProps) {
  if (error instanceof PageNotLoadedError) return <NotLoaded />;
  return (
    <Page title="This page failed">
      <div className="notice fail" role="alert">
        <p>{toFailure(error).detail}</p>
        <Button onPress={reset}>Retry</Button>
      </div>
    </Page>
  );
}
