# One image for the worker and the API. Debian: Temporal's native core needs glibc, so there is no Alpine variant.
FROM node:24-bookworm-slim

ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/compile-cache
WORKDIR /app

COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --loglevel=error && npm cache clean --force

COPY domain ./domain
COPY temporal ./temporal
COPY workflows ./workflows
COPY activities ./activities
COPY stores ./stores
COPY systems ./systems
COPY worker ./worker
COPY api ./api
# The request that the API’s documentation shows.
COPY examples/luna-kylo.json ./examples/luna-kylo.json
# What reads and keeps secrets by hand: docker compose exec worker node scripts/secret.ts
COPY scripts/secret.ts ./scripts/secret.ts
COPY scripts/setup/command-line.mjs ./scripts/setup/command-line.mjs
COPY scripts/setup/commands/secret.mjs ./scripts/setup/commands/secret.mjs
COPY tsconfig.json ./

# What must outlive a container is mounted here: secrets, reports, tokens.
RUN mkdir -p /data /reports && chown node:node /data /reports
VOLUME /data /reports
USER node

CMD ["node", "worker/main.ts"]
