import { describe, expect, it } from "vitest";
import { found, notFound, someLookUps } from "../testing/some-look-ups.ts";
import { findNetworkProblems } from "./judge-network.ts";

const inVpc = (vpc: string | undefined) => ({ tags: {}, ...(vpc !== undefined && { vpc }) });

describe("findNetworkProblems", () => {
  it("has nothing against resources of one VPC, or of nobody knows which", () => {
    const looks = someLookUps({
      elbs: [found({ name: "web", ...inVpc("vpc-1") })],
      targetGroups: [found({ arn: "arn:tg", name: "web", slowStartSeconds: 0, ...inVpc(undefined) })],
    });

    expect(findNetworkProblems(looks)).toEqual([]);
    expect(findNetworkProblems({ ...looks, subnets: notFound("release-subnet-missing", "No.") })).toEqual([]);
  });

  it("refuses subnets of two VPCs", () => {
    const subnets = found([
      { id: "subnet-1", ...inVpc("vpc-1") },
      { id: "subnet-2", ...inVpc("vpc-2") },
    ]);

    expect(findNetworkProblems(someLookUps({ subnets }))).toEqual([
      {
        code: "release-subnets-apart",
        message: "Subnets must be of one VPC: subnet-1 in vpc-1, subnet-2 in vpc-2.",
      },
    ]);
  });

  it("names everything that is in another VPC than the subnets", () => {
    const looks = someLookUps({
      securityGroups: found([{ id: "sg-1", name: "web", ...inVpc("vpc-2") }]),
      elbs: [found({ name: "web", ...inVpc("vpc-3") }), notFound("release-load-balancer-missing", "No.")],
      targetGroups: [found({ arn: "arn:tg", name: "web", slowStartSeconds: 0, ...inVpc("vpc-4") })],
    });

    expect(findNetworkProblems(looks).map(({ message }) => message)).toEqual([
      'Security group "web" is in vpc-2, and the subnets are in vpc-1. They must be in one VPC.',
      'Load balancer "web" is in vpc-3, and the subnets are in vpc-1. They must be in one VPC.',
      'Target group "web" is in vpc-4, and the subnets are in vpc-1. They must be in one VPC.',
    ]);
  });
});
