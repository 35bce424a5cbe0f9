# What the file of SqueezeNet 1.1 calls conv1, fire2 to fire9 and conv10, by torchvision's names: lines for `import --map`. Sourced.
squeezenet_names() {
  local fire i what part
  fire=(3 4 6 7 9 10 11 12)
  for what in weight bias; do
    printf 'conv1.%s\tfeatures.0.%s\nconv10.%s\tclassifier.1.%s\n' $what $what $what $what
    for i in "${!fire[@]}"; do
      for part in squeeze expand1x1 expand3x3; do
        printf 'fire%d.%s.%s\tfeatures.%d.%s.%s\n' $((i + 2)) "${part/#squeeze/squeeze1x1}" $what "${fire[i]}" $part $what
      done
    done
  done
}
