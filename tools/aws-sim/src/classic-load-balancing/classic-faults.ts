import { SimFault } from "../sim-call.ts";

/** Errors of classic load balancers. Source: API reference (2012-06-01), "DescribeLoadBalancers", "DescribeInstanceHealth". */
export const classicFaults = {
  notFound: (name: string) =>
    new SimFault("AccessPointNotFoundException", 400, `There is no ACTIVE Load Balancer named '${name}'`),
  invalidInstance: (id: string) => new SimFault("InvalidEndPointException", 400, `Could not find EC2 instance ${id}.`),
} as const;
