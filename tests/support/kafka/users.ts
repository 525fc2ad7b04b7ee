/** Users of the SASL_SSL listener. `admin` is a super user, as is whoever comes without a name over PLAINTEXT. */
export const USERS = { admin: 'admin-secret', app: 'app-secret' } as const;
