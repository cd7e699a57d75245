/**
 * How long a listener keeps a connection without a request, in milliseconds. Longer than the load balancers in front of it
 * do (60 s of an Application Load Balancer and of ingress-nginx): who closes first must be the one that sends, else it sends
 * into a connection that is about to be closed, and answers 502.
 */
export const KEEP_ALIVE_MS = 75_000;
