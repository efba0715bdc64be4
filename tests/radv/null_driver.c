// A Vulkan driver in front of RADV, Mesa's for AMD cards, on a machine without such a card. RADV itself then offers "null hardware"
// (RADV_FORCE_FAMILY names the card) that compiles shaders and runs nothing. wgpu does not open that: it has no timeline semaphores and
// no memory, and recording into it crashes. Here semaphores are numbers, there is one heap, and what is recorded or submitted is dropped.
// What RADV's compiler (ACO) made of the Nth compute pipeline goes into the folder RADV_NULL_OUT: statistics to N.txt, a line
// "VALUE NAME" each, and assembly to N.s.
//
// cc -shared -fPIC -I HEADERS null_driver.c -o libnull.so -ldl; libvulkan_radeon.so and its libdrm lie beside it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_icd.h>
#include <vulkan/vulkan.h>

#define HEAP_BYTES ((VkDeviceSize)16 << 30)

static void *load(const char *name, int flags) {
    static char folder[4000];
    Dl_info here;
    if (!*folder && dladdr((void *)load, &here)) {
        snprintf(folder, sizeof folder, "%s", here.dli_fname);
        memmove(folder, dirname(folder), strlen(dirname(folder)) + 1);
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    void *library = dlopen(path, flags);
    if (!library) fprintf(stderr, "null_driver: %s\n", dlerror());
    return library;
}

static void *radv(const char *symbol) {
    static void *library;
    if (!library && load("libdrm.so.2", RTLD_NOW | RTLD_GLOBAL) && load("libdrm_amdgpu.so.1", RTLD_NOW | RTLD_GLOBAL))
        library = load("libvulkan_radeon.so", RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, symbol) : NULL;
}

static VkInstance instance;
static PFN_vkGetDeviceProcAddr device_function;
#define OF_INSTANCE(of, name) ((PFN_##name)((PFN_vkGetInstanceProcAddr)radv("vk_icdGetInstanceProcAddr"))(of, #name))
#define OF_DEVICE(device, name) ((PFN_##name)device_function(device, #name))

// Instance and device.

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(
    const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator, VkInstance *created) {
    VkResult result = OF_INSTANCE(NULL, vkCreateInstance)(info, allocator, created);
    if (result == VK_SUCCESS) {
        instance = *created;
        device_function = OF_INSTANCE(instance, vkGetDeviceProcAddr);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(
    VkPhysicalDevice card, const VkDeviceCreateInfo *asked, const VkAllocationCallbacks *allocator, VkDevice *created) {
    uint32_t count = asked->enabledExtensionCount;
    const char *names[256];
    if (count >= 256) return VK_ERROR_TOO_MANY_OBJECTS;
    memcpy(names, asked->ppEnabledExtensionNames, count * sizeof *names);
    names[count] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics = {
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, (void *)asked->pNext, VK_TRUE};
    VkDeviceCreateInfo info = *asked;
    info.pNext = &statistics;
    info.enabledExtensionCount = count + 1;
    info.ppEnabledExtensionNames = names;
    return OF_INSTANCE(instance, vkCreateDevice)(card, &info, allocator, created);
}

// Timeline semaphores that are passed as soon as they are waited for.

static VKAPI_ATTR VkResult VKAPI_CALL create_semaphore(
    VkDevice device, const VkSemaphoreCreateInfo *info, const VkAllocationCallbacks *allocator, VkSemaphore *created) {
    *created = (VkSemaphore)calloc(1, sizeof(uint64_t));
    return VK_SUCCESS;
}
static VKAPI_ATTR void VKAPI_CALL destroy_semaphore(VkDevice device, VkSemaphore of, const VkAllocationCallbacks *allocator) {
    free((void *)of);
}
static VKAPI_ATTR VkResult VKAPI_CALL semaphore_value(VkDevice device, VkSemaphore of, uint64_t *value) {
    *value = *(uint64_t *)of;
    return VK_SUCCESS;
}
static VKAPI_ATTR VkResult VKAPI_CALL signal_semaphore(VkDevice device, const VkSemaphoreSignalInfo *info) {
    *(uint64_t *)info->semaphore = info->value;
    return VK_SUCCESS;
}
static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *submits, VkFence fence) {
    for (const VkSubmitInfo *one = submits; one < submits + count; one++)
        for (const VkBaseInStructure *more = one->pNext; more; more = more->pNext) {
            const VkTimelineSemaphoreSubmitInfo *timeline = (const void *)more;
            if (more->sType != VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO) continue;
            for (uint32_t i = 0; i < one->signalSemaphoreCount && i < timeline->signalSemaphoreValueCount; i++) {
                uint64_t *value = (uint64_t *)one->pSignalSemaphores[i], reached = timeline->pSignalSemaphoreValues[i];
                if (*value < reached) *value = reached;
            }
        }
    return VK_SUCCESS;
}

// Memory: one heap, of one type. RADV's null buffers are on the heap of the process.

static void show_heap(VkPhysicalDeviceMemoryProperties *memory) {
    memset(memory, 0, sizeof *memory);
    memory->memoryTypeCount = memory->memoryHeapCount = 1;
    memory->memoryTypes[0].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                           VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    memory->memoryHeaps[0] = (VkMemoryHeap){HEAP_BYTES, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
}
static VKAPI_ATTR void VKAPI_CALL memory_properties(VkPhysicalDevice card, VkPhysicalDeviceMemoryProperties *memory) {
    show_heap(memory);
}
static VKAPI_ATTR void VKAPI_CALL memory_properties2(VkPhysicalDevice card, VkPhysicalDeviceMemoryProperties2 *memory) {
    show_heap(&memory->memoryProperties);
    for (VkBaseOutStructure *more = memory->pNext; more; more = more->pNext)
        if (more->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT)
            ((VkPhysicalDeviceMemoryBudgetPropertiesEXT *)more)->heapBudget[0] = HEAP_BYTES;
}
static VKAPI_ATTR void VKAPI_CALL buffer_needs(VkDevice device, VkBuffer buffer, VkMemoryRequirements *needs) {
    OF_DEVICE(device, vkGetBufferMemoryRequirements)(device, buffer, needs);
    needs->memoryTypeBits = 1;
}
static VKAPI_ATTR void VKAPI_CALL buffer_needs2(
    VkDevice device, const VkBufferMemoryRequirementsInfo2 *info, VkMemoryRequirements2 *needs) {
    OF_DEVICE(device, vkGetBufferMemoryRequirements2)(device, info, needs);
    needs->memoryRequirements.memoryTypeBits = 1;
}

// Pipelines.

static FILE *output(int number, const char *ending) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.%s", getenv("RADV_NULL_OUT"), number, ending);
    FILE *file = fopen(path, "w");
    if (!file) perror(path);
    return file;
}

static void write_statistics(VkDevice device, const VkPipelineExecutableInfoKHR *executable, int number) {
    VkPipelineExecutableStatisticKHR found[64] = {};
    uint32_t count = 64;
    for (uint32_t i = 0; i < count; i++) found[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    OF_DEVICE(device, vkGetPipelineExecutableStatisticsKHR)(device, executable, &count, found);
    FILE *file = output(number, "txt");
    for (uint32_t i = 0; file && i < count; i++) fprintf(file, "%llu %s\n", (unsigned long long)found[i].value.u64, found[i].name);
    if (file) fclose(file);
}

static void write_assembly(VkDevice device, const VkPipelineExecutableInfoKHR *executable, int number) {
    VkPipelineExecutableInternalRepresentationKHR found[16] = {};
    uint32_t count = 16;
    for (uint32_t i = 0; i < count; i++) found[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
    PFN_vkGetPipelineExecutableInternalRepresentationsKHR get = OF_DEVICE(device, vkGetPipelineExecutableInternalRepresentationsKHR);
    get(device, executable, &count, found);
    for (uint32_t i = 0; i < count; i++) found[i].pData = calloc(1, found[i].dataSize + 1);
    get(device, executable, &count, found);
    for (uint32_t i = 0; i < count; i++) {
        FILE *file = strstr(found[i].name, "ssembly") ? output(number, "s") : NULL;
        if (file) fputs(found[i].pData, file), fclose(file);
        free(found[i].pData);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(
    VkDevice device, VkPipelineCache cache, uint32_t count, const VkComputePipelineCreateInfo *asked,
    const VkAllocationCallbacks *allocator, VkPipeline *created) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int number;
    for (uint32_t i = 0; i < count; i++) {
        VkComputePipelineCreateInfo info = asked[i];
        info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
        VkResult result = OF_DEVICE(device, vkCreateComputePipelines)(device, cache, 1, &info, allocator, created + i);
        if (result != VK_SUCCESS) return result;
        if (!getenv("RADV_NULL_OUT")) continue;
        VkPipelineExecutableInfoKHR executable = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, created[i], 0};
        pthread_mutex_lock(&lock);
        write_statistics(device, &executable, number);
        write_assembly(device, &executable, number++);
        pthread_mutex_unlock(&lock);
    }
    return VK_SUCCESS;
}

// Tables of functions.

static VkResult dropped(void) { return VK_SUCCESS; }

typedef struct { const char *name; void *function; } Own;
#define FIND(table, wanted) find(table, sizeof table / sizeof *table, wanted)
static PFN_vkVoidFunction find(const Own *table, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(table[i].name, name)) return (PFN_vkVoidFunction)table[i].function;
    return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_functions(VkDevice device, const char *name) {
    static const Own own[] = {
        {"vkGetDeviceProcAddr", device_functions},
        {"vkCreateSemaphore", create_semaphore},
        {"vkDestroySemaphore", destroy_semaphore},
        {"vkGetSemaphoreCounterValue", semaphore_value},
        {"vkGetSemaphoreCounterValueKHR", semaphore_value},
        {"vkWaitSemaphores", dropped},
        {"vkWaitSemaphoresKHR", dropped},
        {"vkSignalSemaphore", signal_semaphore},
        {"vkSignalSemaphoreKHR", signal_semaphore},
        {"vkQueueSubmit", submit},
        {"vkQueueWaitIdle", dropped},
        {"vkDeviceWaitIdle", dropped},
        {"vkBeginCommandBuffer", dropped},
        {"vkEndCommandBuffer", dropped},
        {"vkResetCommandBuffer", dropped},
        {"vkResetCommandPool", dropped},
        {"vkGetBufferMemoryRequirements", buffer_needs},
        {"vkGetBufferMemoryRequirements2", buffer_needs2},
        {"vkGetBufferMemoryRequirements2KHR", buffer_needs2},
        {"vkCreateComputePipelines", create_pipelines},
    };
    PFN_vkVoidFunction real = device_function(device, name), replaced = FIND(own, name);
    if (replaced) return replaced;
    return real && !strncmp(name, "vkCmd", 5) ? (PFN_vkVoidFunction)dropped : real;
}

static const Own of_cards[] = {
    {"vkGetPhysicalDeviceMemoryProperties", memory_properties},
    {"vkGetPhysicalDeviceMemoryProperties2", memory_properties2},
    {"vkGetPhysicalDeviceMemoryProperties2KHR", memory_properties2},
};

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance of, const char *name) {
    static const Own own[] = {
        {"vkCreateInstance", create_instance},
        {"vkCreateDevice", create_device},
        {"vkGetDeviceProcAddr", device_functions},
    };
    PFN_vkGetInstanceProcAddr real = (PFN_vkGetInstanceProcAddr)radv("vk_icdGetInstanceProcAddr");
    PFN_vkVoidFunction replaced = FIND(own, name);
    if (!replaced) replaced = FIND(of_cards, name);
    return !real || replaced ? replaced : real(of, name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetPhysicalDeviceProcAddr(VkInstance of, const char *name) {
    PFN_vkGetInstanceProcAddr real = (PFN_vkGetInstanceProcAddr)radv("vk_icdGetPhysicalDeviceProcAddr");
    PFN_vkVoidFunction replaced = FIND(of_cards, name);
    return !real || replaced ? replaced : real(of, name);
}

VKAPI_ATTR VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
    VkResult (*real)(uint32_t *) = (VkResult(*)(uint32_t *))radv("vk_icdNegotiateLoaderICDInterfaceVersion");
    return real ? real(version) : VK_ERROR_INITIALIZATION_FAILED;
}
