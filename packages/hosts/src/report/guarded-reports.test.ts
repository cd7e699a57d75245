import { describe, expect, it } from "vitest";
import { guardReports } from "./guarded-reports.ts";
import type { ReportHost } from "./report-host.ts";

const PLACE = { repository: { id: "1", fullName: "acme/shop" }, number: 7 };
const CHECK = { name: "preview", head: "1", title: "", summary: "", actions: [] };
const SUBJECT = { head: "1", stackId: "shop-pr-7", yardId: "y" };

function createHost() {
  const called: string[] = [];
  const call = (name: string) => () => void called.push(name);
  const reports = new Proxy({} as ReportHost, { get: (_, name) => async () => call(String(name))() });
  return { called, reports };
}

const listCalls = (reports: ReportHost): Readonly<Record<string, () => Promise<unknown>>> => ({
  createComment: () => reports.createComment(PLACE, ""),
  updateComment: () => reports.updateComment(PLACE, 1, ""),
  deleteComment: () => reports.deleteComment(PLACE, 1),
  createCheck: () => reports.createCheck(PLACE, CHECK),
  updateCheck: () => reports.updateCheck(PLACE, 1, CHECK),
  createDeployment: () => reports.createDeployment(PLACE, SUBJECT),
  setDeployment: () => reports.setDeployment(PLACE, 1, {} as never),
  react: () => reports.react(PLACE, 1, "eyes" as never),
});

describe("the reports of a server whose claim has gone to another one", () => {
  it.each(Object.keys(listCalls(createHost().reports)))("do not include %s", async (name) => {
    const { called, reports } = createHost();
    const act = async (isHeld: boolean) => listCalls(guardReports(reports, async () => isHeld))[name]?.();

    await expect(act(false)).rejects.toMatchObject({ code: "RECORD_CONFLICT" });
    expect(called).toEqual([]);

    await act(true);
    expect(called).toEqual([name]);
  });

  it("still read what is there", async () => {
    const { called, reports } = createHost();

    await guardReports(reports, async () => false).listOwnComments(PLACE);

    expect(called).toEqual(["listOwnComments"]);
  });
});
