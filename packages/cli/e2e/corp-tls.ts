// Made for this test alone, valid until 2051: a company's own authority, and a certificate of it for the hosts of the test.

/** The certificate of the authority. */
export const AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBkzCCATmgAwIBAgIUCndiEbJzP2pRNBreFrT2OljhePUwCgYIKoZIzj0EAwIw
HjEcMBoGA1UEAwwTY29ycC50ZXN0IGF1dGhvcml0eTAgFw0yNjExMjgyMDAwMDBa
GA8yMDUxMDcyMDIwMDAwMFowHjEcMBoGA1UEAwwTY29ycC50ZXN0IGF1dGhvcml0
eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDYDdynAkPHrKb3dM6tOAICYOFF3
xkcPO/08y7wmn6QHZJ3/qnrcYQnfsTcSFa9jA6haV07aM8MuC9kjHK5OlQSjUzBR
MB0GA1UdDgQWBBRE17He6KJ/mdChZu6Vt/crtH4yvzAfBgNVHSMEGDAWgBRE17He
6KJ/mdChZu6Vt/crtH4yvzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gA
MEUCICNRWcqrytacGYAFy/4KjgoqHfEtq+zqyLpg7f8AoYNpAiEArPGnhrJFFKZJ
XP2BzkeV+He1Olyskp9JXy67Tk68wx8=
-----END CERTIFICATE-----
`;

/** The certificate of `issuer.corp.test`, `git.corp.test`, `chat.corp.test` and `sts.corp.test`, by the authority. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIB0DCCAXagAwIBAgIUVAoqHfxFLJz+tZukmjZRFVISvGowCgYIKoZIzj0EAwIw
HjEcMBoGA1UEAwwTY29ycC50ZXN0IGF1dGhvcml0eTAgFw0yNjExMjgyMDAxMjBa
GA8yMDUxMDcyMDIwMDEyMFowFDESMBAGA1UEAwwJY29ycC50ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAE2z5OuMWHue2dFMsYemJEUvVwjs/U6AkRavqN+kVq
JAuKXaCpsrzLrsiTm2zgWOLCWJnEh2t2b0MKOFwhiI5VTaOBmTCBljBJBgNVHREE
QjBAghBpc3N1ZXIuY29ycC50ZXN0gg1naXQuY29ycC50ZXN0gg5jaGF0LmNvcnAu
dGVzdIINc3RzLmNvcnAudGVzdDAJBgNVHRMEAjAAMB0GA1UdDgQWBBRqDvuvD/3H
LSTS6dkmiArkk97vbjAfBgNVHSMEGDAWgBRE17He6KJ/mdChZu6Vt/crtH4yvzAK
BggqhkjOPQQDAgNIADBFAiEAtbBd+W3PBTgvXdhVLHJvMfahNRGf0vZbkkA8Zbza
9DQCIEnG2SqTcKAn9Ws5/qrWEuzrdjPr0k4PAwMrZOqlJeUL
-----END CERTIFICATE-----
`;

/** The private key of the certificate. */
export const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDmnf/+w5VlMbv///
IrasL8Jqc17fmxnnbhRdkEuFtWuhRANCAATbPk64xYe57Z0Uyxh6YkRS9XCOz9To
CRFq+o36RWokC4pdoKmyvMuuyJObbOBY4sJYmcSHa3ZvQwo4XCGIjlVN
-----END PRIVATE KEY-----
`;
