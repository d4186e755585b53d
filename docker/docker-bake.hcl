# All seven images from one builder stage, in parallel; run it where compose.yaml lies:
#
#   docker buildx bake -f docker/docker-bake.hcl
#   docker buildx bake -f docker/docker-bake.hcl bayes scaffold

variable "IMAGE_TAG" {
  default = "latest"
}

variable "RUST_IMAGE" {
  default = "rust:1.95-slim-bookworm"
}

variable "RUNTIME_IMAGE" {
  default = "gcr.io/distroless/static-debian12:nonroot"
}

group "default" {
  targets = ["server"]
}

target "server" {
  name       = server
  matrix     = { server = ["ptolemies", "stripe", "shopify", "bayes", "darwin", "docker", "scaffold"] }
  context    = "."
  dockerfile = "docker/Dockerfile"
  target     = server
  tags       = ["machina-${server}:${IMAGE_TAG}"]
  args       = { RUST_IMAGE = RUST_IMAGE, RUNTIME_IMAGE = RUNTIME_IMAGE }
}
